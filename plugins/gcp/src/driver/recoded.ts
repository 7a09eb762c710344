import { MachineError } from '@mcm/sdk'

/** The same error of the cloud with another code, where what was tried says more than Compute's words. */
export function recoded(error: MachineError, code: Exclude<MachineError['code'], 'OK'>): MachineError {
  const { message, reason, cause } = error
  return new MachineError(code, message, { source: 'cloud', cause, ...(reason !== undefined && { reason }) })
}

/**
 * Runs what makes no VM. A quota that it meets is one of requests, which comes back by itself: it says nothing about room
 * for another VM.
 */
export async function withoutCapacity<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw MachineError.is(error) && error.code === 'ResourceExhausted' ? recoded(error, 'Unavailable') : error
  }
}
