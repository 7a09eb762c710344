import type { CancelReason } from './messages.ts'

/** How long a caller waits. */
export interface Patience {
  signal: AbortSignal
  /** Milliseconds since the epoch. */
  deadlineMs: number
}

/** Why a caller waits no longer; `undefined` while it does. */
export function whyGone({ signal, deadlineMs }: Patience): Exclude<CancelReason, 'stopping'> | undefined {
  // A server library cancels the call when the deadline passes, often a moment before our own timer: same cause.
  if (Date.now() >= deadlineMs) return 'deadline'
  return signal.aborted ? 'canceled' : undefined
}

/** Waits for some work for as long as the caller does; then rejects with what `giveUp` makes of the reason. */
export async function waitWithCaller<T>(
  work: Promise<T>,
  patience: Patience,
  giveUp: (reason: Exclude<CancelReason, 'stopping'>) => Error,
): Promise<T> {
  const { signal, deadlineMs } = patience
  const { promise: gaveUp, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(giveUp(whyGone(patience) ?? 'canceled'))
  const timer = setTimeout(() => reject(giveUp('deadline')), Math.min(Math.max(deadlineMs - Date.now(), 0), maxTimerMs))
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    return await Promise.race([work, gaveUp])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}

/** Longer does not fit into a timer. */
const maxTimerMs = 2 ** 31 - 1
