import type { MachineCode } from '@mcm/sdk'
import { type CloudErrorCode, cloudErrorCodeOf, cloudErrors } from './error.ts'
import { isChanging, type Operation, type OperationOptions, operations } from './operation.ts'

/**
 * Something that goes wrong.
 *
 * @example
 * { on: 'createMachine', error: 'ResourceExhausted', times: 2 }              // the next two calls find no capacity
 * { on: 'createMachine', error: 'ConnectionReset', afterExecution: true }    // the VM is made, the answer gets lost
 * { on: 'deleteMachine', delayMs: 3_600_000, machine: 'worker-1' }           // one delete hangs
 */
export interface Fault {
  /**
   * A method of the driver (`createMachine`), an operation of the cloud (`createInstance`), or `*` for every operation.
   * A fault on a method fires at most once per call: at the call's first operation, or, with `afterExecution` and a
   * method that changes something, at its first changing one.
   */
  on: string
  /** What is answered: an error code of the cloud, or a machine code. Absent: the call is only delayed. */
  error?: CloudErrorCode | Exclude<MachineCode, 'OK'>
  /** Whether the operation is executed before the fault takes effect, so that only its answer is lost. Default false. */
  afterExecution?: boolean
  /** Milliseconds by which the answer is late. */
  delayMs?: number
  /** Whether it hits only pages of a list after the first. Default false. */
  laterPages?: boolean
  /** How often it fires. Default once. */
  times?: number | 'always'
  /** The only Machine whose calls it hits. Default: all calls. */
  machine?: string
  /** How likely it fires at a call that it hits, 0 to 1. Default 1. */
  probability?: number
  /** What the answer says about when to try again, in milliseconds. */
  retryAfterMs?: number
}

/** Whether a fault hits an operation. */
export function hits(
  fault: Fault,
  operation: Operation,
  { caller, isLaterPage }: Omit<OperationOptions, 'signal'>,
): boolean {
  if (fault.laterPages && !isLaterPage) return false
  if (fault.machine !== undefined && fault.machine !== caller?.machine) return false
  if (fault.on === '*' || fault.on === operation) return true
  if (fault.on !== caller?.method) return false
  return !fault.afterExecution || isChanging(operation) || !caller.isChanging
}

/** Checks a fault. Throws a `TypeError` that says what is wrong. */
export function checkFault(fault: Fault): void {
  const { on, error, delayMs, times, probability, retryAfterMs } = fault
  if (on !== '*' && !operations.some((name) => name === on) && !methods.has(on)) {
    fail('on', `must be one of *, ${[...methods, ...operations].join(', ')}; is ${on}`)
  }
  if (error === undefined && delayMs === undefined) fail('error', 'or delayMs must be set')
  if (error !== undefined && !cloudErrorCodeOf(error)) {
    fail('error', `must be a machine code or one of ${Object.keys(cloudErrors).join(', ')}; is ${error}`)
  }
  if (times !== undefined && times !== 'always' && !(Number.isInteger(times) && times > 0)) {
    fail('times', 'must be "always" or a whole number > 0')
  }
  if (probability !== undefined && !(probability >= 0 && probability <= 1)) fail('probability', 'must be 0 to 1')
  for (const [key, ms] of Object.entries({ delayMs, retryAfterMs })) {
    if (ms !== undefined && !(ms >= 0)) fail(key, 'must be a number >= 0')
  }
}

/** The methods of the driver that reach the cloud. */
const methods: ReadonlySet<string> = new Set([
  'createMachine',
  'initializeMachine',
  'deleteMachine',
  'getMachineStatus',
  'listMachines',
])

function fail(key: string, problem: string): never {
  throw new TypeError(`fault: ${key} ${problem}`)
}
