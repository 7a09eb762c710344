import { setTimeout as sleep } from 'node:timers/promises'
import { Client, credentials, Metadata } from '@grpc/grpc-js'
import { encodedRequest } from './payload.ts'

/** What one round of load has measured. */
export interface Figures {
  callsPerSecond: number
  p50Ms: number
  p99Ms: number
}

/** How much load. */
export interface Load {
  callers: number
  /** How many calls, or for how long. */
  calls?: number
  seconds?: number
  /** How long the plugin's cloud takes. */
  cloudMs?: number
  /** How long from one call's begin to the next one's, for each caller. Default: the next begins at once. */
  paceMs?: number
}

/** Calls CreateMachine from many callers at once, each with machines of its own. */
export async function load(socket: string, { callers, calls, seconds, cloudMs, paceMs = 0 }: Load): Promise<Figures> {
  const client = new Client(`unix:${socket}`, credentials.createInsecure())
  try {
    // Made beforehand: the caller's own work is not what is measured.
    const requests = Array.from({ length: callers }, (_, i) => encodedRequest(`machine-${i}`, cloudMs))
    const latencies: number[] = []
    let left = calls ?? Number.POSITIVE_INFINITY
    const started = performance.now()
    const until = started + 1000 * (seconds ?? Number.POSITIVE_INFINITY)
    await Promise.all(
      requests.map(async (request) => {
        while (left-- > 0 && performance.now() < until) {
          const since = performance.now()
          await call(client, request)
          latencies.push(performance.now() - since)
          // Never behind its plan: who is late does not hurry afterwards.
          if (paceMs > 0) await sleep(Math.max(0, since + paceMs - performance.now()))
        }
      }),
    )
    const took = (performance.now() - started) / 1000
    latencies.sort((a, b) => a - b)
    const percentile = (p: number) => latencies[Math.floor(latencies.length * p)] ?? Number.NaN
    return { callsPerSecond: latencies.length / took, p50Ms: percentile(0.5), p99Ms: percentile(0.99) }
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
