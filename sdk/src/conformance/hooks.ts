import type { DriverMethod } from '../model/driver.ts'

/** All troubles that hooks may make at a cloud. */
export const faultKinds = [
  'throttled',
  'outOfCapacity',
  'unauthorised',
  'timeout',
  'serverError',
  'resetAfterExecution',
  'hang',
  'laterPage',
] as const

/**
 * A trouble at the cloud. `resetAfterExecution`: the cloud does what it is asked, and the connection breaks before its
 * answer arrives. `hang`: the cloud does not answer. `laterPage`: the first page of a list is answered; a later one meets a
 * server error.
 */
export type FaultKind = (typeof faultKinds)[number]

/** Which calls meet a trouble. */
export interface Fault {
  kind: FaultKind
  /** Method of the driver whose calls of the cloud meet it. With `resetAfterExecution` those that change something. */
  method: DriverMethod
  /** Name of the only Machine that it concerns; absent for a method that is not about one. */
  machine?: string
}

/** Hooks into the cloud behind a driver, supplied by its author. All are optional: what is missing is skipped. */
export interface Hooks {
  /** Lets the cloud make trouble, from now on until {@link Hooks.clearFaults}. */
  fault?(fault: Fault): Promise<void>
  /** Ends all trouble. Required beside {@link Hooks.fault}. */
  clearFaults?(): Promise<void>
  /** The kinds of trouble that {@link Hooks.fault} can make. Default: all. */
  faults?: readonly FaultKind[]
  /** Machine names of the VMs that live in the cloud now, one for each VM. */
  vms?(): Promise<string[]>
  /** SHA-256, in hexadecimal digits, of the user data that the cloud got for a machine. */
  userDataSha256?(machine: string): Promise<string>
  /**
   * Makes a second VM of a machine that has one, as two creations at once might have. A cloud that rules this out has no
   * such hook: see {@link Declarations.uniqueNames}.
   */
  duplicate?(machine: string): Promise<void>
  /** How many calls the cloud has had so far. */
  countCalls?(): Promise<number>
  /** Puts the cloud's clock forward, so that nobody has to wait for it. */
  advanceClock?(seconds: number): Promise<void>
  /** Ends the driver's process and starts a new one, where the kit cannot do it itself. */
  restart?(): Promise<void>
  /** Releases what the hooks hold. */
  close?(): Promise<void> | void
}

/** A hook failed: nothing that the driver can be blamed for. */
export class HookError extends Error {
  override readonly name = 'HookError'
}

/** The same hooks, whose failures are `HookError`s that name the hook. */
export function guardedHooks(hooks: Hooks): Hooks {
  const guarded = Object.entries(hooks).map(([name, hook]) => {
    if (typeof hook !== 'function') return [name, hook]
    const run = async (...args: unknown[]) => {
      try {
        return await hook.apply(hooks, args)
      } catch (error) {
        if (error instanceof HookError) throw error
        throw new HookError(`${name}: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
    return [name, run]
  })
  // The same functions, with a guard around each.
  return Object.fromEntries(guarded) as Hooks
}
