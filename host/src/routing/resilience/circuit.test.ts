import { MachineError } from '@mcm/sdk'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Circuit, type Finding } from './circuit.ts'

beforeEach(() => {
  vi.useFakeTimers()
  // No jitter: a back-off is as long as it can be.
  vi.spyOn(Math, 'random').mockReturnValue(1)
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const answered: Finding = { kind: 'answered' }
const away = (retryAfterMs?: number): Finding => {
  const options = retryAfterMs === undefined ? {} : { retryAfterMs }
  return { kind: 'away', error: new MachineError('Unavailable', 'slow down', options) }
}
const call = (circuit: Circuit, ...findings: Finding[]) => {
  for (const finding of findings) circuit.begin()(finding)
}
const opened = (finding = away()) => {
  const circuit = new Circuit()
  call(circuit, away(), away(), away(), away(), finding)
  return circuit
}
const waitMs = (circuit: Circuit) => circuit.refusal?.retryAfterMs

describe('a circuit', () => {
  it('opens after five failures in a row', () => {
    const circuit = new Circuit()
    call(circuit, away(), away(), away(), away(), answered, away(), away(), { kind: 'nothing' }, away(), away())
    expect([circuit.isOpen, circuit.refusal]).toEqual([false, undefined])
    call(circuit, away())
    expect([circuit.isOpen, circuit.refusal]).toEqual([
      true,
      { error: expect.objectContaining({ message: 'slow down' }), retryAfterMs: 1000 },
    ])
  })

  it('lets one call try when its time has come, and closes when that was answered', () => {
    const circuit = opened()
    vi.advanceTimersByTime(999)
    expect(waitMs(circuit)).toBe(1)
    vi.advanceTimersByTime(1)
    expect(waitMs(circuit)).toBeUndefined()
    const report = circuit.begin()
    expect([circuit.state.kind, waitMs(circuit)]).toEqual(['trying', 1000])
    report(answered)
    expect(circuit.state).toEqual({ kind: 'closed', failures: 0, lastFailureMs: 0 })
  })

  it('waits twice as long after each try that failed, up to a minute', () => {
    const circuit = opened()
    const waits = Array.from({ length: 8 }, () => {
      const ms = waitMs(circuit) ?? 0
      vi.advanceTimersByTime(ms)
      call(circuit, away())
      return ms
    })
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000])
    vi.advanceTimersByTime(60_000)
    call(circuit, answered, away(), away(), away(), away(), away())
    expect(waitMs(circuit)).toBe(1000)
  })

  it('waits half as long at least', () => {
    vi.mocked(Math.random).mockReturnValue(0)
    expect(waitMs(opened())).toBe(500)
  })

  it('waits as long as the cloud asks for, within reason, and never shorter than by itself', () => {
    const asked = [200, 90_000, 365 * 24 * 3600_000]
    expect(asked.map((ms) => waitMs(opened(away(ms))))).toEqual([1000, 90_000, 600_000])
  })

  it('lets the next call try when a try ended without a finding', () => {
    const circuit = opened()
    vi.advanceTimersByTime(1000)
    call(circuit, { kind: 'nothing' })
    expect([circuit.state.kind, waitMs(circuit)]).toEqual(['open', undefined])
    call(circuit, answered)
    expect(circuit.isOpen).toBe(false)
  })

  it('does not care about calls that began before it opened', () => {
    const circuit = new Circuit()
    const early = Array.from({ length: 8 }, () => circuit.begin())
    for (const report of early.slice(0, 5)) report(away())
    early[5]?.(answered)
    early[6]?.(away(90_000))
    expect([circuit.state.kind, waitMs(circuit)]).toEqual(['open', 1000])
    vi.advanceTimersByTime(1000)
    const report = circuit.begin()
    early[7]?.(answered)
    expect(circuit.state.kind).toBe('trying')
    report(answered)
    expect(circuit.isOpen).toBe(false)
  })

  it('can be forgotten when its failures are long ago, and not while a call tries', () => {
    const circuit = new Circuit()
    expect(circuit.isForgettable).toBe(true)
    call(circuit, away())
    vi.advanceTimersByTime(300_000)
    expect(circuit.isForgettable).toBe(false)
    vi.advanceTimersByTime(1)
    expect(circuit.isForgettable).toBe(true)
    call(circuit, away(), away(), away(), away())
    vi.advanceTimersByTime(301_000)
    expect(circuit.isForgettable).toBe(false)
    vi.advanceTimersByTime(1)
    expect(circuit.isForgettable).toBe(true)
    circuit.begin()
    vi.advanceTimersByTime(1_000_000)
    expect(circuit.isForgettable).toBe(false)
  })
})
