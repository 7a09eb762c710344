import { Client, credentials, Metadata } from '@grpc/grpc-js'
import { encodedRequest } from './payload.ts'

/** What one round of load has measured. */
export interface Figures {
  callsPerSecond: number
  p50Ms: number
  p99Ms: number
}

/** Calls CreateMachine from many callers at once, each with machines of its own, for as many calls as given. */
export async function load(socket: string, { callers, calls }: { callers: number; calls: number }): Promise<Figures> {
  const client = new Client(`unix:${socket}`, credentials.createInsecure())
  try {
    // Made beforehand: the caller's own work is not what is measured.
    const requests = Array.from({ length: callers }, (_, i) => encodedRequest(`machine-${i}`))
    const latencies: number[] = []
    let left = calls
    const started = performance.now()
    await Promise.all(
      requests.map(async (request) => {
        while (left-- > 0) {
          const since = performance.now()
          await call(client, request)
          latencies.push(performance.now() - since)
        }
      }),
    )
    const seconds = (performance.now() - started) / 1000
    latencies.sort((a, b) => a - b)
    const percentile = (p: number) => latencies[Math.floor(latencies.length * p)] ?? Number.NaN
    return { callsPerSecond: latencies.length / seconds, p50Ms: percentile(0.5), p99Ms: percentile(0.99) }
  } finally {
    client.close()
  }
}

function call(client: Client, request: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const asIs = (bytes: Buffer) => bytes
    const path = '/mcm.driver.v1.Driver/CreateMachine'
    client.makeUnaryRequest(path, asIs, asIs, request, new Metadata(), {}, (error, response) => {
      if (error || !response) reject(error ?? new Error('no response'))
      else resolve(response)
    })
  })
}
