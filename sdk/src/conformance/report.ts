import type { Profile } from './case.ts'
import type { RecordedCall } from './journal.ts'

/** What came of one case. */
export type CaseResult = { id: string; title: string; ms: number; leftovers: readonly string[] } & (
  | { kind: 'passed' }
  | ({ kind: 'failed'; isKnown: boolean } & FailureDetails)
  /** It is on the list of known failures, and passes. */
  | ({ kind: 'unexpectedly-passed' } & FailureDetails)
  /** Not judged, through no fault of the driver: a hook failed, or the kit. */
  | { kind: 'broken'; message: string }
  | { kind: 'skipped'; reason: SkipReason }
)

/** What a failed case shows. */
export interface FailureDetails {
  requirement: string
  source: string
  /** What was expected, and what was found. */
  message: string
  advice: string
  /** What was sent and what came back, without secrets. */
  calls: readonly RecordedCall[]
}

/**
 * Why a case was not run. `unsupported`: the driver does not have that method, or nothing of the kind. `profile`: the
 * profile does not ask for it. `configuration` and `hook`: something is missing to judge it. `not-chosen`: by `--case` or
 * `--tag`. `aborted`: the run was stopped.
 */
export interface SkipReason {
  kind: 'unsupported' | 'profile' | 'configuration' | 'hook' | 'not-chosen' | 'aborted'
  text: string
}

/** The one answer to the question whether a driver does what the contract asks. */
export type Verdict = 'conformant' | 'not conformant' | 'incomplete'

/** What a run found out. */
export interface Report {
  kitVersion: string
  contractVersion: number
  profile: Profile
  /** Where the driver was judged. */
  place: string
  provider: string
  /** What the endpoint says that it is; absent where it says nothing. */
  driver?: { name: string; version: string; sdkVersion?: string; integrity?: string }
  startedAt: string
  ms: number
  results: readonly CaseResult[]
  verdict: Verdict
  /** Why the verdict is `incomplete`. */
  missing: readonly string[]
}

/** The verdict over results, and what is missing for one. */
export function verdictOf(results: readonly CaseResult[]): Pick<Report, 'verdict' | 'missing'> {
  const missing = results.flatMap((result) => {
    if (result.kind === 'broken') return [`${result.id}: ${result.message}`]
    if (result.kind !== 'skipped' || isFair(result.reason)) return []
    return [`${result.id}: ${result.reason.text}`]
  })
  const isWrong = results.some(
    (result) => result.kind === 'unexpectedly-passed' || (result.kind === 'failed' && !result.isKnown),
  )
  if (isWrong) return { verdict: 'not conformant', missing }
  const known = results.flatMap((result) => (result.kind === 'failed' ? [`${result.id}: is known to fail`] : []))
  const all = [...missing, ...known]
  return { verdict: all.length > 0 ? 'incomplete' : 'conformant', missing: all }
}

/** A driver need not have optional methods, and what a profile does not ask for is no gap in it. */
function isFair({ kind }: SkipReason): boolean {
  return kind === 'unsupported' || kind === 'profile'
}
