import { MachineError } from '@mcm/sdk'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type Scope, Scopes } from './scopes.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const limits = { perCredential: 2, perPlugin: 5, queuePerCredential: 10 }
const away = { kind: 'away' as const, error: new MachineError('Unavailable', 'x') }
const fail = ({ circuit }: Scope, times: number) => {
  for (let i = 0; i < times; i++) circuit?.begin()(away)
}

it('are shared by the calls of a plugin with the same credential, and kept while there are such', () => {
  const scopes = new Scopes(limits)
  const [a, again, other, elsewhere, common] = [
    scopes.enter('p', 'a'),
    scopes.enter('p', 'a'),
    scopes.enter('p', 'b'),
    scopes.enter('q', 'a'),
    scopes.enter('p', undefined),
  ]
  expect(again).toBe(a)
  expect([other.slots === a.slots, elsewhere.slots === a.slots, common.slots === a.slots]).toEqual([true, false, true])
  // Without a credential only the plugin's limit counts.
  expect([a.lane.limit, common.lane.limit, common.circuit]).toEqual([2, 5, undefined])
  a.slots.take(a.lane)
  for (const scope of [a, again, other, elsewhere, common]) scopes.leave(scope)
  // The plugin still works on one.
  expect([scopes.size, scopes.figures('p'), scopes.figures('q')]).toEqual([
    1,
    { running: 1, queued: 0, openCircuits: 0 },
    { running: 0, queued: 0, openCircuits: 0 },
  ])
  a.slots.release(a.lane)
  scopes.tidy(a)
  expect(scopes.size).toBe(0)
})

it('are kept while their failures matter', () => {
  const scopes = new Scopes(limits)
  for (let i = 0; i < 5; i++) {
    const scope = scopes.enter('p', 'a')
    fail(scope, 1)
    scopes.leave(scope)
  }
  expect(scopes.figures('p')).toEqual({ running: 0, queued: 0, openCircuits: 1 })
  vi.advanceTimersByTime(10 * 60_000)
  expect(scopes.figures('p')).toEqual({ running: 0, queued: 0, openCircuits: 0 })
  expect(scopes.size).toBe(0)
})

it('go by and by without anybody looking at the figures', () => {
  const scopes = new Scopes(limits)
  for (let i = 0; i < 100; i++) {
    const scope = scopes.enter('p', `secret-${i}`)
    fail(scope, i % 6)
    scopes.leave(scope)
  }
  expect(scopes.size).toBe(83)
  vi.advanceTimersByTime(10 * 60_000)
  scopes.leave(scopes.enter('p', 'new'))
  expect(scopes.size).toBe(0)
})
