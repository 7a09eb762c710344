import { expect, it } from 'vitest'
import { CrashBudget } from './crash-budget.ts'

const minuteMs = 60_000

function setUp() {
  let nowMs = 1_000_000
  const budget = new CrashBudget(
    () => nowMs,
    () => 0.5,
  )
  return { budget, now: () => nowMs, pass: (ms: number) => (nowMs += ms) }
}

it('forgives one crash at once, waits after the second, and leaves alone after the third', () => {
  const { budget, now } = setUp()
  expect(budget.delayMs()).toBe(0)
  budget.record('first')
  expect(budget.delayMs()).toBe(0)
  budget.record('second')
  expect(budget.delayMs()).toBe(1000)
  expect(budget.quarantine).toBeUndefined()
  budget.record('third')
  expect(budget.quarantine).toEqual({
    reason: 'third',
    crashes: 3,
    lastMs: now(),
    untilMs: now() + 10 * minuteMs,
  })
})

it('counts what the delay has passed already', () => {
  const { budget, pass } = setUp()
  budget.record('first')
  budget.record('second')
  pass(400)
  expect(budget.delayMs()).toBe(600)
  pass(700)
  expect(budget.delayMs()).toBe(0)
})

it('forgets crashes after five minutes', () => {
  const { budget, pass } = setUp()
  budget.record('first')
  budget.record('second')
  pass(5 * minuteMs)
  budget.record('third')
  expect(budget.quarantine).toBeUndefined()
  expect(budget.delayMs()).toBe(0)
})

it('lets one start be tried when the quarantine is over, at once, and goes back into it when that fails', () => {
  const { budget, pass, now } = setUp()
  for (const reason of ['first', 'second', 'third']) budget.record(reason)
  pass(10 * minuteMs)
  expect(budget.quarantine).toBeUndefined()
  expect(budget.delayMs()).toBe(0)
  budget.record('fourth')
  expect(budget.quarantine).toMatchObject({ reason: 'fourth', untilMs: now() + 10 * minuteMs })
})

it('gives the whole budget again to who has recovered', () => {
  const { budget, pass } = setUp()
  for (const reason of ['first', 'second', 'third']) budget.record(reason)
  // Too early: whoever starts it by hand resets.
  budget.recovered()
  expect(budget.quarantine).toBeDefined()
  pass(10 * minuteMs)
  budget.recovered()
  budget.record('much later')
  expect(budget.quarantine).toBeUndefined()
})

it('forgets everything when it is reset', () => {
  const { budget } = setUp()
  for (const reason of ['first', 'second', 'third']) budget.record(reason)
  budget.reset()
  expect(budget.quarantine).toBeUndefined()
  expect(budget.delayMs()).toBe(0)
})
