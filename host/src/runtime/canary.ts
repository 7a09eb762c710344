/** What calls to one version came to. */
export interface Outcomes {
  calls: number
  /** Those that failed, but for failures that a caller takes for an answer. */
  failures: number
}

/** Decides, for a new version that gets a share of the calls, which ones, and whether it is as good as the old one. */
export class Canary {
  /** Share of the calls, between 0 and 1. */
  readonly share: number
  readonly #now: () => number
  readonly #startMs: number
  #owed = 0

  constructor(share: number, now: () => number = Date.now) {
    this.share = share
    this.#now = now
    this.#startMs = now()
  }

  /** Whether the next call goes to the new version. Evenly spread rather than by chance, so that few calls say much. */
  takesNext(): boolean {
    this.#owed += this.share
    // Sums of fractions fall a little short of one.
    if (this.#owed < 1 - 1e-9) return false
    this.#owed -= 1
    return true
  }

  /** What is known so far. `old` counts only calls since the canary began. */
  verdict(canary: Outcomes, old: Outcomes): 'undecided' | 'worse' | 'good' {
    if (isWorse(canary, old)) return 'worse'
    if (canary.calls >= enoughCalls) return 'good'
    return canary.calls >= fewCalls && this.#now() - this.#startMs >= longMs ? 'good' : 'undecided'
  }
}

/**
 * Compares two shares of failures by how far apart they are in standard errors of their difference. A cloud that is down
 * makes both fail, and then neither is worse.
 */
function isWorse(canary: Outcomes, old: Outcomes): boolean {
  if (canary.failures < minFailures) return false
  // One success and one failure more on each side: without failures there would be no spread to compare with.
  const n1 = canary.calls + 2
  const n2 = old.calls + 2
  const p1 = (canary.failures + 1) / n1
  const p2 = (old.failures + 1) / n2
  const pooled = (canary.failures + old.failures + 2) / (n1 + n2)
  return p1 - p2 > significance * Math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
}

// Two can be bad luck.
const minFailures = 3
// One-sided error of about half a percent; the look after each call makes it somewhat more.
const significance = 2.58
// Without a failure among so many, more than 3 % of failures are unlikely (rule of three).
const enoughCalls = 100
// For hosts with few calls.
const fewCalls = 10
const longMs = 30 * 60_000
