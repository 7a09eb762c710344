import { constants } from 'node:os'
import { CliError } from './cli-error.ts'

/** Runs something that SIGINT or SIGTERM ends, after it has cleaned up. */
export async function untilSignalled<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const abort = (name: NodeJS.Signals) => {
    controller.abort(new CliError(`stopped by ${name}; nothing was changed`, 128 + constants.signals[name]))
  }
  const names = ['SIGINT', 'SIGTERM'] as const
  for (const name of names) process.on(name, abort)
  try {
    return await work(controller.signal)
  } catch (error) {
    // Whatever the abort made of it on its way.
    controller.signal.throwIfAborted()
    throw error
  } finally {
    for (const name of names) process.off(name, abort)
  }
}
