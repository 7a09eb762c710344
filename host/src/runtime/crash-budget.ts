/**
 * How often a plugin may end by itself before it is left alone, and how long to wait before each new start. A plugin that
 * crashes at once would otherwise be started again by every call, and take the machine's time from its neighbours.
 */
export class CrashBudget {
  readonly #now: () => number
  readonly #random: () => number
  #crashes: { atMs: number; reason: string }[] = []
  #quarantine: Quarantine | undefined

  constructor(now: () => number = Date.now, random: () => number = Math.random) {
    this.#now = now
    this.#random = random
  }

  /** Why the plugin must not be started now, and until when. */
  get quarantine(): Quarantine | undefined {
    return this.#quarantine && this.#now() < this.#quarantine.untilMs ? this.#quarantine : undefined
  }

  /** Notes that it ended by itself, or did not even start. */
  record(reason: string): void {
    const atMs = this.#now()
    this.#crashes = [...this.#crashes.filter((crash) => atMs - crash.atMs < windowMs), { atMs, reason }]
    // After a quarantine one start is tried; when that fails too, nothing has changed.
    const isTrial = this.#quarantine !== undefined
    if (this.#crashes.length < maxCrashes && !isTrial) return
    this.#quarantine = { reason, crashes: this.#crashes.length, lastMs: atMs, untilMs: atMs + quarantineMs }
  }

  /** How long to wait before the next start. */
  delayMs(): number {
    const atMs = this.#now()
    const recent = this.#crashes.filter((crash) => atMs - crash.atMs < windowMs)
    const last = recent.at(-1)
    // One crash is an accident, and a caller may be waiting.
    if (!last || recent.length < 2 || this.#quarantine) return 0
    // Jitter, so that the plugins of many hosts don't come back to their cloud in step.
    const delay = backOffMs * 4 ** (recent.length - 2) * (0.5 + this.#random())
    return Math.max(0, last.atMs + delay - atMs)
  }

  /** It has worked since its quarantine ended: it has the whole budget again. */
  recovered(): void {
    if (this.#quarantine && !this.quarantine) this.reset()
  }

  /** Forgets all crashes: somebody has changed the plugin, or says that it may start. */
  reset(): void {
    this.#crashes = []
    this.#quarantine = undefined
  }
}

/** A plugin is left alone. */
export interface Quarantine {
  /** Why it ended last. */
  reason: string
  crashes: number
  lastMs: number
  untilMs: number
}

// The limit of VS Code's extension host, which has proven itself: enough for accidents, too few for a loop.
const maxCrashes = 3
const windowMs = 5 * 60_000
const backOffMs = 1000
// Long enough not to be a restart loop, short enough that a cloud's bad hour does not need a person at night.
const quarantineMs = 10 * 60_000
