/** How {@link waitFor} waits. */
export interface WaitOptions {
  /** Ends the wait; its reason is thrown. Required, so that no wait outlives its call. */
  signal: AbortSignal
  /** What is waited for; stands in the time-out's message. */
  what: string
  /** Milliseconds until it gives up with a `TimeoutError`. Default: no limit but the signal. */
  timeoutMs?: number
  /** First pause between two looks, in milliseconds. Default 250. */
  intervalMs?: number
  /** Longest pause, in milliseconds; each is half as long again as the one before. Default 5000. */
  maxIntervalMs?: number
}

/**
 * Looks again and again until `look` returns something, and returns that. An error of `look` ends the wait and is
 * thrown. Pauses grow, and vary by a fifth so that many waiters do not ask a cloud in step.
 *
 * @example
 * const vm = await waitFor(async () => { const vm = await cloud.get(id); return vm.running ? vm : undefined },
 *   { signal, what: `VM ${id} to run` })
 */
export async function waitFor<T>(
  look: (signal: AbortSignal) => Promise<T | undefined> | T | undefined,
  options: WaitOptions,
): Promise<T> {
  const { what, timeoutMs, maxIntervalMs = 5000 } = options
  const timeout = new AbortController()
  const timer =
    timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          timeout.abort(new DOMException(`waited ${timeoutMs} ms for ${what}`, 'TimeoutError'))
        }, timeoutMs)
  const signal = AbortSignal.any([options.signal, timeout.signal])
  let intervalMs = options.intervalMs ?? 250
  try {
    while (true) {
      signal.throwIfAborted()
      const found = await look(signal)
      if (found !== undefined) return found
      await sleep(jittered(intervalMs), signal)
      intervalMs = Math.min(intervalMs * 1.5, maxIntervalMs)
    }
  } finally {
    clearTimeout(timer)
  }
}

/** Waits for some milliseconds. An abort ends it and throws the signal's reason. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onAbort = () => reject(signal.reason)
  const timer = setTimeout(resolve, ms)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await promise
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}

/**
 * Waits for something that others wait for too, until the signal aborts, and throws the signal's reason then. What is
 * waited for goes on.
 */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

function jittered(ms: number): number {
  return ms * (0.8 + Math.random() * 0.4)
}
