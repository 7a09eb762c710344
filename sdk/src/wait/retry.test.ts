import { expect, it } from 'vitest'
import { retry } from './retry.ts'

const { signal } = new AbortController()
const isPassing = (error: unknown) => error === 'passing'

function failing(...failures: unknown[]) {
  let calls = 0
  const act = async () => {
    calls++
    if (failures.length > 0) throw failures.shift()
    return calls
  }
  return { act, calls: () => calls }
}

it('does it again while failures are passing ones, and answers what came of it', async () => {
  expect(await retry(failing('passing', 'passing').act, { signal, isPassing, pauseMs: 0 })).toBe(3)
})

it('does it so often and no more', async () => {
  const { act, calls } = failing('passing', 'passing')
  await expect(retry(act, { signal, isPassing, attempts: 2, pauseMs: 0 })).rejects.toBe('passing')
  expect(calls()).toBe(2)
})

it('does not do it again after another failure', async () => {
  const { act, calls } = failing('lasting')
  await expect(retry(act, { signal, isPassing, pauseMs: 0 })).rejects.toBe('lasting')
  expect(calls()).toBe(1)
})

it('ends its pause when the signal aborts', async () => {
  const ending = new AbortController()
  const act = async () => {
    queueMicrotask(() => ending.abort('enough'))
    throw 'passing'
  }
  await expect(retry(act, { signal: ending.signal, isPassing, pauseMs: 3_600_000 })).rejects.toBe('enough')
})

it('does not begin when the signal has aborted', async () => {
  const { act, calls } = failing()
  await expect(retry(act, { signal: AbortSignal.abort('gone'), isPassing })).rejects.toBe('gone')
  expect(calls()).toBe(0)
})
