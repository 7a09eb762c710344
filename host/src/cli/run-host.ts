import { constants } from 'node:os'
import type { Host } from '../host.ts'
import { CliError } from './cli-error.ts'

/**
 * Runs a host until SIGINT or SIGTERM, then ends the process.
 *
 * @param scheme How its HTTP addresses begin.
 * @param whileServing Runs from when it listens on, and ends with its signal.
 */
export async function runHost(
  host: Host,
  scheme: 'http' | 'https',
  whileServing: (signal: AbortSignal) => Promise<void> = async () => {},
): Promise<void> {
  const { promise: signalled, resolve } = Promise.withResolvers<NodeJS.Signals>()
  process.on('SIGTERM', resolve)
  process.on('SIGINT', resolve)
  const stopping = new AbortController()
  let serving: Promise<void> | undefined
  try {
    const started = host.start()
    // A plugin can take its time to start; who has changed their mind need not wait for it.
    const listening = await Promise.race([started, signalled]).catch((error: Error) => {
      throw new CliError(`the host cannot start: ${error.message}`)
    })
    if (typeof listening === 'object') {
      // For people and for scripts that wait for it; the log has the same for machines.
      for (const address of listening.grpc) console.log(`serving gRPC on ${address}`)
      for (const address of listening.http) console.log(`serving HTTP on ${scheme}://${address}`)
      for (const address of listening.probes) console.log(`serving probes on http://${address}`)
      serving = whileServing(stopping.signal)
    }
    const signal = await (serving ? Promise.race([signalled, failureOf(serving)]) : signalled)
    // It fails now if it has not come to its end.
    started.catch(() => {})
    // A second signal means: now.
    const quit = () => process.exit(128 + constants.signals[signal])
    process.once('SIGTERM', quit)
    process.once('SIGINT', quit)
  } finally {
    stopping.abort()
    await Promise.allSettled([serving, host.stop()])
  }
  // Whatever a library still holds open, the host's work is done.
  process.exit(0)
}

/** Rejects when a promise does, and never resolves: its end is no reason to stop. */
async function failureOf(promise: Promise<void>): Promise<never> {
  await promise
  return await new Promise(() => {})
}
