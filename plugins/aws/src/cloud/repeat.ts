import { sleep } from '@mcm/sdk'
import { isPassing, machineErrorOf } from './cloud-error.ts'

/**
 * Sends a request, at most three times while its failures are passing ones. Its errors are the contract's. The SDK's
 * own repetition is switched off: its pauses do not end with the call, and it repeats where capacity is gone.
 *
 * @param service Name of the request, such as `ec2.RunInstances`.
 */
export async function repeat<T>(service: string, signal: AbortSignal, send: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted()
    try {
      return await send()
    } catch (error) {
      if (attempt === maxAttempts || signal.aborted || !isPassing(error)) throw machineErrorOf(service, error, signal)
    }
    // Full jitter, so that many callers whose requests were refused together do not come back together.
    await sleep(Math.random() * firstPauseMs * 2 ** (attempt - 1), signal)
  }
}

// As many as the SDKs of Amazon make.
const maxAttempts = 3
const firstPauseMs = 100
