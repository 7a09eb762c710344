import { expect, it } from 'vitest'
import { MessageLimit } from './message-limit.ts'

it('knows a flood', () => {
  const limit = new MessageLimit(() => 0)
  const received = Array.from({ length: 10_001 }, () => limit.isFlood())
  expect(received.indexOf(true)).toBe(10_000)
})

it('takes the answers of however many calls for none', () => {
  const limit = new MessageLimit(() => 0)
  for (let i = 0; i < 50_000; i++) {
    limit.countSent()
    expect([limit.isFlood(), limit.isFlood()]).toEqual([false, false])
  }
})

it('forgets with time, and is not fooled by a long silence', () => {
  let now = 0
  const limit = new MessageLimit(() => now)
  const floodsAfter = () => {
    let count = 1
    while (!limit.isFlood()) count++
    return count
  }
  now = 3_600_000
  expect(floodsAfter()).toBe(20_002)
})
