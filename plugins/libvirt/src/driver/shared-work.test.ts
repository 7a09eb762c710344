import { expect, test } from 'vitest'
import { SharedWork } from './shared-work.ts'

const later = () => {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  let given: AbortSignal | undefined
  const work = new SharedWork((signal) => {
    given = signal
    return promise
  })
  return { work, resolve, reject, isAborted: () => given?.aborted }
}

test('all who wait get the one result', async () => {
  const { work, resolve } = later()
  const waiting = [new AbortController(), new AbortController()].map(({ signal }) => work.wait(signal))
  resolve('done')
  expect(await Promise.all(waiting)).toEqual(['done', 'done'])
})

test('all who wait get the one failure, and so does nobody', async () => {
  const { work, reject } = later()
  const waiting = Promise.allSettled([work.wait(new AbortController().signal), work.wait(new AbortController().signal)])
  reject(new Error('no'))
  expect((await waiting).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
})

test('who gives up takes it from nobody else; the last one ends it', async () => {
  const { work, isAborted } = later()
  const [first, second] = [new AbortController(), new AbortController()]
  const waiting = [work.wait(first.signal), work.wait(second.signal)]
  const outcomes = Promise.allSettled(waiting)
  first.abort(new Error('first'))
  await expect(waiting[0]).rejects.toThrow('first')
  expect([isAborted(), work.isAborted]).toEqual([false, false])
  second.abort(new Error('second'))
  await expect(waiting[1]).rejects.toThrow('second')
  expect([isAborted(), work.isAborted]).toEqual([true, true])
  await outcomes
})
