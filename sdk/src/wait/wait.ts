import { setTimeout as delay } from 'node:timers/promises'

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
  const signal =
    timeoutMs === undefined ? options.signal : AbortSignal.any([options.signal, timeoutSignal(timeoutMs, what)])
  let intervalMs = options.intervalMs ?? 250
  while (true) {
    signal.throwIfAborted()
    const found = await look(signal)
    if (found !== undefined) return found
    await sleep(jittered(intervalMs), signal)
    intervalMs = Math.min(intervalMs * 1.5, maxIntervalMs)
  }
}

/** Waits for some milliseconds. An abort ends it and throws the signal's reason. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal })
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
}

function jittered(ms: number): number {
  return ms * (0.8 + Math.random() * 0.4)
}

function timeoutSignal(ms: number, what: string): AbortSignal {
  const controller = new AbortController()
  const reason = new DOMException(`waited ${ms} ms for ${what}`, 'TimeoutError')
  setTimeout(() => controller.abort(reason), ms).unref()
  return controller.signal
}
