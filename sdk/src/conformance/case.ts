import type { DriverMethod } from '../model/driver.ts'
import type { CaseRun } from './case-run.ts'
import type { FaultKind } from './hooks.ts'

/**
 * One requirement of the driver contract, and how it is judged. Cases are data: they depend on no other case, and what
 * one makes is deleted after it, however it ends.
 */
export interface ConformanceCase {
  /** Stable name, by which reports, `--case` and lists of known failures know it. */
  id: string
  /** What is judged, in a few words. */
  title: string
  /** What a driver has to do. */
  requirement: string
  /** Where the requirement comes from. */
  source: string
  /** What an author can do about a failure. */
  advice: string
  /** Subjects, for `--tag`. */
  tags: readonly CaseTag[]
  /** `core` is asked of every driver; `full` needs hooks into the cloud, or a class that not every cloud has. */
  profile: Profile
  /** Without these it is skipped, and the report says why. */
  needs?: readonly Need[]
  /** Judges. Throws a `CaseFailure`, or an error of the driver, when the requirement is not met. */
  run(run: CaseRun): Promise<void>
}

/** What a driver is judged by: `full` holds all of `core`. */
export type Profile = 'core' | 'full'

/** All subjects of cases. */
export const caseTags = [
  'identity',
  'create',
  'initialize',
  'delete',
  'status',
  'list',
  'volumes',
  'class',
  'secrets',
  'user-data',
  'names',
  'concurrency',
  'cancel',
  'faults',
  'restart',
] as const

/** A subject of cases. */
export type CaseTag = (typeof caseTags)[number]

/**
 * What a case cannot do without: a method of the driver, something that the configuration says, or a hook into the
 * cloud.
 */
export type Need =
  | DriverMethod
  | 'plugins'
  | 'restart'
  | 'requiredSecretKeys'
  | 'otherCluster'
  | 'incompatible'
  | 'uninitialized'
  | 'volumes'
  | 'hooks.vms'
  | 'hooks.userDataSha256'
  | 'hooks.duplicate'
  | `fault:${FaultKind}`
