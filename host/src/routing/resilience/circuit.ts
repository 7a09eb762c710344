import type { MachineError } from '@mcm/sdk'
import { backOffMs } from './back-off.ts'

/**
 * Whether calls reach a cloud with one credential:
 *
 * - `closed`: they do. `failures` counts the last ones in a row.
 * - `open`: they are refused until `retryAtMs`, since the cloud is away or throttles.
 * - `trying`: one call finds out whether the cloud is back; the others are refused.
 *
 * Times are those of `performance.now()`, which no change of the wall clock moves.
 */
export type CircuitState =
  | { kind: 'closed'; failures: number; lastFailureMs: number }
  | { kind: 'open'; opens: number; retryAtMs: number; error: MachineError }
  | { kind: 'trying'; opens: number; retryAtMs: number; error: MachineError }

/** What a call says about the cloud: it `answered`, it is `away` or throttles, or nothing. */
export type Finding = { kind: 'answered' } | { kind: 'away'; error: MachineError } | { kind: 'nothing' }

/**
 * A circuit breaker. The one of the cockatiel library lets callers wait, deaf to their deadlines, while a call tries;
 * takes a try that ended without a finding (cancelled, plugin gone) for a success; and does not say when it tries next.
 */
export class Circuit {
  #state: CircuitState = { kind: 'closed', failures: 0, lastFailureMs: 0 }

  get state(): CircuitState {
    return this.#state
  }

  get isOpen(): boolean {
    return this.#state.kind !== 'closed'
  }

  /** Why no call may begin now, and when to come again; `undefined` where one may. */
  get refusal(): { error: MachineError; retryAfterMs: number } | undefined {
    const state = this.#state
    if (state.kind === 'closed') return undefined
    // While a call tries, nobody knows; the first back-off is as good a guess as any.
    const leftMs = state.kind === 'trying' ? openTimes.firstMs : Math.ceil(state.retryAtMs - performance.now())
    return leftMs > 0 ? { error: state.error, retryAfterMs: leftMs } : undefined
  }

  /**
   * Begins a call that is not refused.
   *
   * @returns Takes what the call found out, once.
   */
  begin(): (finding: Finding) => void {
    const state = this.#state
    if (state.kind === 'closed') return (finding) => this.#record(finding)
    this.#state = { ...state, kind: 'trying' }
    return (finding) => this.#conclude(finding)
  }

  /** Whether there is nothing to remember: no failure, or only such as are long ago. */
  get isForgettable(): boolean {
    const state = this.#state
    const now = performance.now()
    switch (state.kind) {
      case 'closed':
        return state.failures === 0 || now > state.lastFailureMs + forgetMs
      case 'open':
        return now > state.retryAtMs + forgetMs
      case 'trying':
        return false
      default:
        return state satisfies never
    }
  }

  #record(finding: Finding): void {
    const state = this.#state
    // Opened since the call began: only a try counts now.
    if (state.kind !== 'closed' || finding.kind === 'nothing') return
    if (finding.kind === 'answered') {
      if (state.failures > 0) this.#state = { kind: 'closed', failures: 0, lastFailureMs: 0 }
      return
    }
    const failures = state.failures + 1
    if (failures < failuresToOpen) this.#state = { kind: 'closed', failures, lastFailureMs: performance.now() }
    else this.#open(1, finding.error)
  }

  #conclude(finding: Finding): void {
    const state = this.#state
    if (state.kind !== 'trying') return
    switch (finding.kind) {
      case 'answered':
        this.#state = { kind: 'closed', failures: 0, lastFailureMs: 0 }
        return
      case 'away':
        this.#open(state.opens + 1, finding.error)
        return
      case 'nothing':
        // The next call tries.
        this.#state = { ...state, kind: 'open' }
        return
      default:
        finding satisfies never
    }
  }

  #open(opens: number, error: MachineError): void {
    const askedMs = Math.min(error.retryAfterMs ?? 0, mostAskedMs)
    const retryAtMs = performance.now() + Math.max(backOffMs(opens, openTimes), askedMs)
    this.#state = { kind: 'open', opens, retryAtMs, error }
  }
}

/** One failure is chance, and a cloud that throttles a little still answers in between. */
const failuresToOpen = 5
const openTimes = { firstMs: 1000, mostMs: 60_000 }
/** What a cloud may ask for: whatever it says, or a plugin makes of it, somebody looks again after that. */
const mostAskedMs = 10 * 60_000
/** Failures that lie further apart have nothing to do with each other. */
const forgetMs = 5 * 60_000
