import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { sleep } from '../wait/wait.ts'
import { ClientCache } from './client-cache.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

const { signal } = new AbortController()

const login = () => {
  const disposed: number[] = []
  let count = 0
  const make = vi.fn(async () => ({ number: ++count }))
  return { make, dispose: ({ number }: { number: number }) => void disposed.push(number), disposed }
}

describe('a client', () => {
  it('is made once per key, also for calls at the same time', async () => {
    const cache = new ClientCache()
    const { make, dispose } = login()
    const [first, second] = [cache.lease(signal), cache.lease(signal)]
    const clients = await Promise.all([
      first.client('a', make, dispose),
      second.client('a', make, dispose),
      second.client(['a', ''], make, dispose),
    ])
    expect(clients.map(({ number }) => number)).toEqual([1, 1, 2])
    expect(make).toHaveBeenCalledTimes(2)
  })

  it('that could not be made is made anew by the next call', async () => {
    const cache = new ClientCache()
    const failing = vi.fn().mockRejectedValueOnce(new Error('wrong password')).mockResolvedValue('in')
    const { client, release } = cache.lease(signal)
    await expect(client('a', failing)).rejects.toThrow('wrong password')
    expect(await client('a', failing)).toBe('in')
    release()
    const throwing = () => {
      throw new Error('no luck')
    }
    await expect(client('b', throwing)).rejects.toThrow('no luck')
  })

  it('is disposed when no call has used it for a while, not before', async () => {
    const cache = new ClientCache(1000)
    const { make, dispose, disposed } = login()
    const first = cache.lease(signal)
    await first.client('a', make, dispose)
    await vi.advanceTimersByTimeAsync(5000)
    expect(disposed).toEqual([])
    first.release()
    await vi.advanceTimersByTimeAsync(999)
    const second = cache.lease(signal)
    await second.client('a', make, dispose)
    await vi.advanceTimersByTimeAsync(5000)
    second.release()
    expect(disposed).toEqual([])
    await vi.advanceTimersByTimeAsync(1000)
    expect(disposed).toEqual([1])
    expect((await cache.lease(signal).client('a', make, dispose)).number).toBe(2)
  })

  it('is disposed at the end, once, whatever another one does', async () => {
    const cache = new ClientCache(1000)
    const { make, dispose, disposed } = login()
    const lease = cache.lease(signal)
    await lease.client(
      'bad',
      async () => 'x',
      () => {
        throw new Error('cannot log out')
      },
    )
    await lease.client('a', make, dispose)
    await cache.close()
    lease.release()
    await cache.close()
    await vi.advanceTimersByTimeAsync(5000)
    expect(disposed).toEqual([1])
  })

  it('that nobody waits for any more is told to end, disposed if it comes after all, and made anew', async () => {
    const cache = new ClientCache(1000)
    const disposed: string[] = []
    const signals: AbortSignal[] = []
    const { promise, resolve } = Promise.withResolvers<string>()
    const make = (own: AbortSignal) => {
      signals.push(own)
      return signals.length === 1 ? promise : 'second'
    }
    const dispose = (client: string) => void disposed.push(client)
    const callers = [new AbortController(), new AbortController()]
    const calls = callers.map(async (caller) => {
      const { client, release } = cache.lease(caller.signal)
      await client('a', make, dispose).finally(release)
    })
    const ends = calls.map((call) => call.catch((error: Error) => error.name))
    await vi.advanceTimersByTimeAsync(0)
    callers[0]?.abort()
    expect(await ends[0]).toBe('AbortError')
    expect(signals.map(({ aborted }) => aborted)).toEqual([false])
    callers[1]?.abort()
    expect(await ends[1]).toBe('AbortError')
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
    expect(await cache.lease(signal).client('a', make, dispose)).toBe('second')
    resolve('first')
    await vi.advanceTimersByTimeAsync(0)
    expect(disposed).toEqual(['first'])
  })

  it('that takes too long is not waited for, also where making it ignores its signal', async () => {
    const cache = new ClientCache()
    const disposed: string[] = []
    const dispose = (client: string) => void disposed.push(client)
    const { promise, resolve } = Promise.withResolvers<string>()
    const { client, release } = cache.lease(signal)
    const late = expect(client('a', () => promise, dispose)).rejects.toMatchObject({ name: 'TimeoutError' })
    await vi.advanceTimersByTimeAsync(30_000)
    await late
    expect(await client('a', () => 'second', dispose)).toBe('second')
    resolve('first')
    await vi.advanceTimersByTimeAsync(0)
    expect(disposed).toEqual(['first'])
    release()
    await cache.close()
    expect(disposed).toEqual(['first', 'second'])
  })

  it('that is being made when the plugin stops is told to end', async () => {
    const cache = new ClientCache()
    const made = cache.lease(signal).client('a', (own) => sleep(60_000, own))
    await vi.advanceTimersByTimeAsync(0)
    const failed = expect(made).rejects.toMatchObject({ name: 'AbortError' })
    await cache.close()
    await failed
  })
})
