import { sleep } from './wait.ts'

/** How {@link retry} repeats. */
export interface RetryOptions {
  /** Ends it; its reason is thrown. */
  signal: AbortSignal
  /** Whether a failure may be gone when it is tried again at once, such as one of the network. */
  isPassing(error: unknown): boolean
  /** How often it is tried, the first time included. Default 3. */
  attempts?: number
  /** Longest first pause, in milliseconds; each is up to twice as long as the one before. Default 100. */
  pauseMs?: number
}

/**
 * Does something, again while its failures are passing ones; the last one is thrown. Only for what may be done twice.
 *
 * @example
 * const vm = await retry(() => cloud.get(id, { signal }), { signal, isPassing: (error) => error.status === 503 })
 */
export async function retry<T>(act: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { signal, isPassing, attempts = 3, pauseMs = 100 } = options
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted()
    try {
      return await act()
    } catch (error) {
      signal.throwIfAborted()
      if (attempt >= attempts || !isPassing(error)) throw error
    }
    // Full jitter, so that many callers who were refused together do not come back together.
    await sleep(Math.random() * pauseMs * 2 ** (attempt - 1), signal)
  }
}
