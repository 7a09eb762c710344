import { describe, expect, it } from 'vitest'
import { Lane, Slots } from './slots.ts'

const forEver = { signal: new AbortController().signal, deadlineMs: Number.POSITIVE_INFINITY }
const giveUp = (reason: string) => new Error(reason)

/** Slots, and the order in which those who wait get one. */
function setUp(limits: { perCredential: number; perPlugin: number }) {
  const slots = new Slots({ queuePerCredential: 100, ...limits })
  const served: string[] = []
  const lane = () => new Lane(limits.perCredential)
  const wait = (lane: Lane, name: string, patience = forEver) =>
    slots.wait(lane, patience, giveUp).then(
      () => served.push(name),
      (error: Error) => served.push(`${name} ${error.message}`),
    )
  /** Gives a slot back, and tells who got it. */
  const release = async (lane: Lane) => {
    served.length = 0
    slots.release(lane)
    await Promise.resolve()
    await new Promise(setImmediate)
    return [...served]
  }
  return { slots, served, lane, wait, release }
}

describe('slots', () => {
  it('are there up to the limit of a lane, and of all', () => {
    const { slots, lane } = setUp({ perCredential: 2, perPlugin: 3 })
    const [a, b] = [lane(), lane()]
    expect([a, a, a, b, b].map((each) => slots.take(each))).toEqual([true, true, false, true, false])
    expect([slots.running, a.running, b.running]).toEqual([3, 2, 1])
  })

  it('go to who waits longest in a lane, and those of a lane that is at its limit keep nobody else waiting', async () => {
    const { slots, lane, wait, release } = setUp({ perCredential: 1, perPlugin: 2 })
    const [a, b] = [lane(), lane()]
    slots.take(a)
    void wait(a, 'a1')
    void wait(a, 'a2')
    expect([slots.take(b), slots.queued]).toEqual([true, 2])
    expect(await release(b)).toEqual([])
    expect(await release(a)).toEqual(['a1'])
    expect(await release(a)).toEqual(['a2'])
    expect(await release(a)).toEqual([])
    expect([slots.running, slots.queued, a.isIdle, b.isIdle]).toEqual([0, 0, true, true])
  })

  it('go round the lanes, however many wait in one', async () => {
    const { slots, lane, wait, release } = setUp({ perCredential: 4, perPlugin: 4 })
    const [a, b, c] = [lane(), lane(), lane()]
    for (let i = 0; i < 4; i++) slots.take(a)
    for (let i = 0; i < 50; i++) void wait(a, 'a')
    for (let i = 0; i < 2; i++) void wait(b, 'b')
    void wait(c, 'c')
    const order: string[] = []
    for (const from of [a, a, b, c, a, b]) order.push(...(await release(from)))
    // By turns; the lane that has all the slots comes last, and c has no second one.
    expect(order).toEqual(['b', 'c', 'a', 'b', 'a', 'a'])
    expect([slots.running, slots.queued, a.running, b.running, c.running]).toEqual([4, 47, 4, 0, 0])
  })

  it('are not kept for who has gone', async () => {
    const { slots, served, lane, wait, release } = setUp({ perCredential: 1, perPlugin: 9 })
    const a = lane()
    slots.take(a)
    const controller = new AbortController()
    const gone = wait(a, 'a1', { ...forEver, signal: controller.signal })
    const late = wait(a, 'a2', { ...forEver, deadlineMs: Date.now() - 1 })
    void wait(a, 'a3')
    controller.abort()
    await Promise.all([gone, late])
    expect([served, slots.queued]).toEqual([['a1 canceled', 'a2 deadline'], 1])
    expect(await release(a)).toEqual(['a3'])
  })

  it.each(['before', 'after'])('go to the next when their caller leaves just %s it is served', async (when) => {
    const { slots, served, lane, wait } = setUp({ perCredential: 1, perPlugin: 9 })
    const a = lane()
    slots.take(a)
    const controller = new AbortController()
    const first = wait(a, 'a1', { ...forEver, signal: controller.signal })
    const second = wait(a, 'a2')
    if (when === 'before') controller.abort()
    slots.release(a)
    if (when === 'after') controller.abort()
    await first
    if (when === 'after') slots.release(a)
    await second
    expect(served).toEqual([when === 'before' ? 'a1 canceled' : 'a1', 'a2'])
    expect([slots.running, slots.queued]).toEqual([1, 0])
  })

  it('can be waited for by so many only', () => {
    const slots = new Slots({ perCredential: 1, perPlugin: 1, queuePerCredential: 1 })
    const [a, b] = [new Lane(1), new Lane(1)]
    slots.take(a)
    expect(slots.isFull(a)).toBe(false)
    void slots.wait(a, forEver, giveUp)
    expect([slots.isFull(a), slots.isFull(b)]).toEqual([true, false])
    slots.release(a)
  })
})
