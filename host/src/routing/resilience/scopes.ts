import { Circuit } from './circuit.ts'
import { Lane, type SlotLimits, Slots } from './slots.ts'

/** The calls of one plugin with one credential. */
export interface Scope {
  readonly plugin: string
  readonly fingerprint: string
  /** Those of the plugin, which all of its scopes share. */
  readonly slots: Slots
  readonly lane: Lane
  /** None for calls without a credential: nothing says whose cloud they would find away. */
  readonly circuit: Circuit | undefined
  /** Calls that have entered and not left. */
  users: number
}

/** Figures of one plugin's scopes. */
export interface ScopeFigures {
  running: number
  queued: number
  /** Credentials with which the cloud is not called for now. */
  openCircuits: number
}

/** Keeps the scopes that matter now: those with calls, or with failures that are not long ago. */
export class Scopes {
  readonly #limits: SlotLimits
  readonly #byPlugin = new Map<string, { slots: Slots; scopes: Map<string, Scope> }>()
  #nextSweepMs = 0

  constructor(limits: SlotLimits) {
    this.#limits = limits
  }

  /** How many are kept. */
  get size(): number {
    return [...this.#byPlugin.values()].reduce((sum, { scopes }) => sum + scopes.size, 0)
  }

  /**
   * The scope of a call, which {@link leave | leaves} it at its end.
   *
   * @param fingerprint Of the credential; `undefined` for calls without one.
   */
  enter(plugin: string, fingerprint: string | undefined): Scope {
    const key = fingerprint ?? withoutCredential
    const scope = this.#byPlugin.get(plugin)?.scopes.get(key) ?? this.#make(plugin, key)
    scope.users++
    return scope
  }

  leave(scope: Scope): void {
    scope.users--
    this.tidy(scope)
  }

  /** Forgets a scope that matters no longer. */
  tidy(scope: Scope): void {
    const { plugin, fingerprint, lane, circuit, users } = scope
    if (users > 0 || !lane.isIdle || circuit?.isForgettable === false) return
    const scopes = this.#byPlugin.get(plugin)?.scopes
    scopes?.delete(fingerprint)
    if (scopes?.size === 0) this.#byPlugin.delete(plugin)
  }

  figures(plugin: string): ScopeFigures {
    this.#sweep()
    const { slots, scopes } = this.#byPlugin.get(plugin) ?? {}
    const open = [...(scopes?.values() ?? [])].filter(({ circuit }) => circuit?.isOpen)
    return { running: slots?.running ?? 0, queued: slots?.queued ?? 0, openCircuits: open.length }
  }

  #make(plugin: string, fingerprint: string): Scope {
    if (performance.now() > this.#nextSweepMs) this.#sweep()
    let kept = this.#byPlugin.get(plugin)
    if (!kept) {
      kept = { slots: new Slots(this.#limits), scopes: new Map() }
      this.#byPlugin.set(plugin, kept)
    }
    const hasCredential = fingerprint !== withoutCredential
    const lane = new Lane(hasCredential ? this.#limits.perCredential : this.#limits.perPlugin)
    const circuit = hasCredential ? new Circuit() : undefined
    const scope = { plugin, fingerprint, slots: kept.slots, lane, circuit, users: 0 }
    kept.scopes.set(fingerprint, scope)
    return scope
  }

  /** Forgets what its calls have left behind, such as the open circuit of a Secret that has been replaced. */
  #sweep(): void {
    this.#nextSweepMs = performance.now() + sweepIntervalMs
    for (const { scopes } of this.#byPlugin.values()) for (const scope of scopes.values()) this.tidy(scope)
  }
}

const withoutCredential = ''
/** New scopes come with the calls, perhaps by the thousand a second; looking at all of them does not. */
const sweepIntervalMs = 60_000
