import { retry } from '@mcm/sdk'
import { isPassing, machineErrorOf } from './cloud-error.ts'

/**
 * Sends a request, at most three times while its failures are passing ones. Its errors are the contract's. The SDK's
 * own repetition is switched off: its pauses do not end with the call, and it repeats where capacity is gone.
 *
 * @param service Name of the request, such as `ec2.RunInstances`.
 */
export async function repeat<T>(service: string, signal: AbortSignal, send: () => Promise<T>): Promise<T> {
  try {
    return await retry(send, { signal, isPassing })
  } catch (error) {
    throw machineErrorOf(service, error, signal)
  }
}
