import type { DriverCalls, DriverClient, DriverMethod } from '../model/driver.ts'
import { untilAborted } from '../wait/wait.ts'
import { CaseFailure } from './check.ts'
import type { Limits } from './setup.ts'

/**
 * A call that ends, whatever the driver does: one that goes on after its deadline or its cancellation, by more than the
 * limits allow, is not waited for.
 */
export async function patientCall<M extends DriverMethod>(
  driver: DriverClient,
  method: M,
  request: DriverCalls[M]['request'],
  options: { signal: AbortSignal; deadlineMs?: number | undefined; limits: Limits },
): Promise<DriverCalls[M]['response']> {
  const { signal, limits } = options
  const { callSeconds, cancelSeconds } = limits
  const deadlineMs = options.deadlineMs ?? Date.now() + callSeconds * 1000
  // The method's own request; the compiler cannot follow that through an index.
  const answer: Promise<DriverCalls[M]['response']> = driver[method](request as never, { signal, deadlineMs })
  // Nobody may be waiting any more when it ends.
  answer.catch(() => {})
  const patience = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const giveUp = (afterMs: number, what: string) => {
    const failure = new CaseFailure(`${method} did not end within ${cancelSeconds} s after ${what}`)
    clearTimeout(timer)
    timer = setTimeout(() => patience.abort(failure), afterMs)
  }
  const onAbort = () => giveUp(cancelSeconds * 1000, 'its cancellation')
  giveUp(deadlineMs - Date.now() + cancelSeconds * 1000, 'its deadline')
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await untilAborted(answer, patience.signal)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}
