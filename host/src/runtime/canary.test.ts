import { describe, expect, it } from 'vitest'
import { Canary } from './canary.ts'

describe('the share', () => {
  it.each([
    [0.1, 1000, 100],
    [0.25, 1000, 250],
    [0.01, 1000, 10],
    [1 / 3, 999, 333],
  ])('%f of %i calls are %i, evenly spread', (share, calls, expected) => {
    const canary = new Canary(share)
    const taken = Array.from({ length: calls }, () => canary.takesNext())
    expect(taken.filter(Boolean)).toHaveLength(expected)
    const first = taken.indexOf(true)
    expect(first).toBe(Math.ceil(1 / share - 1e-9) - 1)
  })
})

describe('the verdict', () => {
  const cases: [string, number, number, number, number, number, string][] = [
    // name, canary calls, canary failures, old calls, old failures, minutes, verdict
    ['nothing is known yet', 0, 0, 0, 0, 0, 'undecided'],
    ['two failures can be bad luck', 2, 2, 100, 0, 0, 'undecided'],
    ['30 % of failures among few calls', 10, 3, 90, 0, 0, 'worse'],
    ['all fail', 3, 3, 27, 0, 0, 'worse'],
    ['all fail, and there is nothing to compare with', 3, 3, 0, 0, 0, 'undecided'],
    ['both fail alike: the cloud is down', 20, 20, 180, 180, 0, 'undecided'],
    ['both fail alike, for long', 100, 30, 900, 270, 0, 'good'],
    ['somewhat more failures, not significant', 50, 3, 450, 20, 0, 'undecided'],
    ['enough calls without a failure', 100, 0, 900, 0, 0, 'good'],
    ['few calls for a long time', 10, 0, 90, 0, 30, 'good'],
    ['few calls for a short time', 10, 0, 90, 0, 29, 'undecided'],
    ['hardly any calls for a long time', 9, 0, 90, 0, 60, 'undecided'],
    ['better than the old one', 100, 0, 900, 300, 0, 'good'],
    ['a worse one is not made good by time', 100, 30, 900, 0, 60, 'worse'],
  ]
  it.each(cases)('%s', (_, calls, failures, oldCalls, oldFailures, minutes, verdict) => {
    let nowMs = 0
    const canary = new Canary(0.1, () => nowMs)
    nowMs = minutes * 60_000
    expect(canary.verdict({ calls, failures }, { calls: oldCalls, failures: oldFailures })).toBe(verdict)
  })
})
