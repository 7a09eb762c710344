import { MachineError } from '@mcm/sdk'

/** Runs a method; its errors begin with what was tried, in upstream's words, but for "there is no VM". */
export async function prefixed<T>(prefix: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (!MachineError.is(error) || error.code === 'NotFound' || error.code === 'OK') throw error
    const { code, message, source, reason, retry, retryAfterMs, cause } = error
    throw new MachineError(code, `${prefix}: ${message}`, {
      source,
      retry,
      cause: cause ?? error,
      ...(reason !== undefined && { reason }),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    })
  }
}
