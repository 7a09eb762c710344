/**
 * A way in which a plugin differs from the original driver on purpose. Every difference in every case has to be matched by
 * one, and every one has to match something.
 */
export interface KnownDifference {
  /** `better` is a choice; `different` is what cannot be otherwise. */
  verdict: 'better' | 'different'
  /** What the plugin does, for readers of the documentation. */
  what: string
  why: string
  /** The differences that it explains, as `differences` words them. */
  matches: RegExp
  /** The cases in which it does; all without. */
  cases?: RegExp
}

export type Verdict = 'equal' | KnownDifference['verdict'] | 'unexplained'

/** Judges the differences of a case. @returns Those that nothing explains, too, and all that explained one. */
export function judge(id: string, lines: readonly string[], known: readonly KnownDifference[]) {
  const used = new Set<KnownDifference>()
  const unexplained = lines.filter((line) => {
    const reasons = known.filter(({ matches, cases }) => matches.test(line) && (cases?.test(id) ?? true))
    for (const reason of reasons) used.add(reason)
    return reasons.length === 0
  })
  return { verdict: verdictOf(unexplained, used), unexplained, used }
}

function verdictOf(unexplained: readonly string[], used: ReadonlySet<KnownDifference>): Verdict {
  if (unexplained.length > 0) return 'unexplained'
  if (used.size === 0) return 'equal'
  return [...used].some(({ verdict }) => verdict === 'different') ? 'different' : 'better'
}
