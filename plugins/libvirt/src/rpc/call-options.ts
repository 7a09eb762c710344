/** How long a call may wait. Without either it waits for libvirtd, or until the connection is lost. */
export interface CallOptions {
  /** Ends the wait; the call rejects with `CallAbandoned`. */
  readonly signal?: AbortSignal | undefined
  /** The same at a moment in time, in milliseconds since the epoch. */
  readonly deadline?: number | undefined
}

/** Calls `giveUp` once when the signal or the deadline says so. Returns what ends the watch. */
export function watchCall({ signal, deadline }: CallOptions, giveUp: (reason: unknown) => void): () => void {
  const passed = () => new DOMException('the deadline has passed', 'TimeoutError')
  const waitMs = deadline === undefined ? undefined : deadline - Date.now()
  if (signal?.aborted || (waitMs !== undefined && waitMs <= 0)) {
    giveUp(signal?.aborted ? signal.reason : passed())
    return () => {}
  }
  const onAbort = () => {
    stop()
    giveUp(signal?.reason)
  }
  const onDeadline = () => {
    stop()
    giveUp(passed())
  }
  // Timers of Node fire at once beyond 24 days; nobody waits that long for a call.
  const timer = waitMs === undefined ? undefined : setTimeout(onDeadline, Math.min(waitMs, 0x7fff_ffff))
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
