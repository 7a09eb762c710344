import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { sleep, untilAborted, waitFor } from './wait.ts'

beforeEach(() => {
  vi.useFakeTimers()
  // The middle of the range: no jitter.
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
})
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const never = () => new AbortController().signal
const what = 'the VM to run'
/** How a promise ended, without an unhandled rejection meanwhile. */
const outcome = (promise: Promise<unknown>) =>
  promise.then(
    (value) => ({ value }),
    (reason) => ({ reason }),
  )

describe('waitFor', () => {
  it('looks at once, and returns what is found', async () => {
    expect(await waitFor(() => 'found', { signal: never(), what })).toBe('found')
    expect(await waitFor(async () => 0, { signal: never(), what, timeoutMs: 1 })).toBe(0)
  })

  it('looks again after pauses that grow up to a limit', async () => {
    const looks: number[] = []
    const found = waitFor(() => (looks.push(Date.now()) === 6 ? true : undefined), {
      signal: never(),
      what,
      intervalMs: 100,
      maxIntervalMs: 300,
    })
    await vi.runAllTimersAsync()
    expect(await found).toBe(true)
    expect(looks.slice(1).map((time, i) => time - (looks[i] ?? 0))).toEqual([100, 150, 225, 300, 300])
  })

  it.each([
    [0, 80],
    [0.999999, 120],
  ])('varies the pauses: random %d makes 100 ms %d', async (random, pause) => {
    vi.mocked(Math.random).mockReturnValue(random)
    let looks = 0
    const start = Date.now()
    const found = waitFor(() => (++looks === 2 ? Date.now() - start : undefined), {
      signal: never(),
      what,
      intervalMs: 100,
    })
    await vi.runAllTimersAsync()
    expect(Math.round(await found)).toBeGreaterThanOrEqual(pause - 1)
    expect(Math.round(await found)).toBeLessThanOrEqual(pause)
  })

  it('gives up in time, and says what it waited for', async () => {
    const ended = outcome(waitFor(() => undefined, { signal: never(), what, timeoutMs: 1000 }))
    await vi.advanceTimersByTimeAsync(999)
    expect(vi.getTimerCount()).toBeGreaterThan(0)
    await vi.advanceTimersByTimeAsync(1)
    expect(await ended).toEqual({ reason: new DOMException('waited 1000 ms for the VM to run', 'TimeoutError') })
  })

  it('hands a signal to each look that ends with the wait', async () => {
    const ended = outcome(
      waitFor((signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))), {
        signal: never(),
        what,
        timeoutMs: 50,
      }),
    )
    await vi.advanceTimersByTimeAsync(50)
    expect(await ended).toMatchObject({ reason: { name: 'TimeoutError' } })
  })

  it('ends with an abort, before, between and after looks', async () => {
    const reason = new Error('enough')
    let looks = 0
    expect(await outcome(waitFor(() => ++looks, { signal: AbortSignal.abort(reason), what }))).toEqual({ reason })
    expect(looks).toBe(0)
    const controller = new AbortController()
    const ended = outcome(waitFor(() => void looks++, { signal: controller.signal, what, timeoutMs: 60_000 }))
    await vi.advanceTimersByTimeAsync(100)
    controller.abort(reason)
    expect(await ended).toEqual({ reason })
    expect(looks).toBe(1)
  })

  it('ends with an error of a look', async () => {
    const reason = new Error('quota')
    const failing = () => {
      throw reason
    }
    expect(await outcome(waitFor(failing, { signal: never(), what, timeoutMs: 60_000 }))).toEqual({ reason })
  })
})

describe('sleep', () => {
  it('lasts as long as it says', async () => {
    const ended = outcome(sleep(500, never()))
    await vi.advanceTimersByTimeAsync(499)
    expect(vi.getTimerCount()).toBe(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(await ended).toEqual({ value: undefined })
  })

  it('ends with an abort', async () => {
    const controller = new AbortController()
    const ended = outcome(sleep(500, controller.signal))
    controller.abort('gone')
    expect(await ended).toEqual({ reason: 'gone' })
    expect(await outcome(sleep(500, controller.signal))).toEqual({ reason: 'gone' })
  })
})

describe('untilAborted', () => {
  it('waits for what others wait for too, no longer than its signal', async () => {
    expect(await untilAborted(Promise.resolve(1), new AbortController().signal)).toBe(1)
    const never = new Promise(() => {})
    await expect(untilAborted(never, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone')
    const controller = new AbortController()
    const waiting = expect(untilAborted(never, controller.signal)).rejects.toThrow('later')
    controller.abort(new Error('later'))
    await waiting
  })
})
