import type { Declarations } from '@mcm/sdk/conformance'
import type { MiniCloud } from '../mini-cloud.ts'
import type { MiniDriver } from '../mini-driver.ts'
import type { MiniTraits } from '../mini-setup.ts'

/** A driver that is wrong in exactly one way. */
export interface Mutant {
  id: string
  /** What it does wrong. */
  title: string
  /** The requirement that it violates first, and those that cannot be met beside it. */
  fails: readonly [string, ...string[]]
  Driver: new (cloud: MiniCloud) => MiniDriver
  traits?: MiniTraits
  /** What it declares of itself. */
  declares?: Partial<Declarations>
}

/** The arguments of a method of the driver. */
export type Args<M extends keyof MiniDriver> = MiniDriver[M] extends (...args: infer A) => unknown ? A : never
