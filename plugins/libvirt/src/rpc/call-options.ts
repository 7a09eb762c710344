/** How long a call may wait. Without either it waits for libvirtd, or until the connection is lost. */
export interface CallOptions {
  /** Ends the wait; the call rejects with `CallAbandoned`. */
  readonly signal?: AbortSignal | undefined
  /** The same at a moment in time, in milliseconds since the epoch. */
  readonly deadline?: number | undefined
}

/** Calls `giveUp` once when the signal or the deadline says so. Returns what ends the watch. */
export function watchCall({ signal, deadline }: CallOptions, giveUp: (reason: unknown) => void): () => void {
  if (signal?.aborted) {
    giveUp(signal.reason)
    return () => {}
  }
  const onAbort = () => {
    stop()
    giveUp(signal?.reason)
  }
  const onDeadline = () => {
    stop()
    giveUp(new DOMException('the deadline has passed', 'TimeoutError'))
  }
  // Timers of Node fire at once beyond 24 days; nobody waits that long for a call.
  const waitMs = deadline === undefined ? undefined : Math.min(Math.max(0, deadline - Date.now()), 0x7fff_ffff)
  const timer = waitMs === undefined ? undefined : setTimeout(onDeadline, waitMs)
  signal?.addEventListener('abort', onAbort)
  const stop = () => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
  return stop
}

/** Options that hold both: ended by either signal, at the earlier deadline. */
export function joinOptions(one: CallOptions, other: CallOptions = {}): CallOptions {
  const signals = [one.signal, other.signal].filter((signal) => signal !== undefined)
  const deadlines = [one.deadline, other.deadline].filter((deadline) => deadline !== undefined)
  return {
    signal: signals.length > 1 ? AbortSignal.any(signals) : signals[0],
    deadline: deadlines.length > 0 ? Math.min(...deadlines) : undefined,
  }
}
