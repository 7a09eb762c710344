/**
 * The conformance kit: judges whether a driver does what the contract asks. The program `mcm-conformance` does that for a
 * plugin's folder or an endpoint; this is the same for tests.
 *
 * @module @mcm/sdk/conformance
 */
export { type CaseTag, type ConformanceCase, caseTags, type Need, type Profile } from './case.ts'
export type { CaseRun, RequestChanges } from './case-run.ts'
export { conformanceCases } from './cases/index.ts'
export { CaseFailure, type Outcome } from './check.ts'
export { type Fault, type FaultKind, faultKinds, HookError, type Hooks } from './hooks.ts'
export type { Journal, RecordedCall } from './journal.ts'
export {
  type CaseResult,
  type FailureDetails,
  type Report,
  type SkipReason,
  type Verdict,
  verdictOf,
} from './report.ts'
export { type JudgeOptions, judgeDriver } from './run-cases.ts'
export {
  type ClassAndSecret,
  type ConformanceSetup,
  type Declarations,
  defaultDeclarations,
  defaultLimits,
  type Limits,
} from './setup.ts'
export type { Target, TargetDescription } from './target.ts'
