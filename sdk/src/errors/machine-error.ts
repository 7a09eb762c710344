import { inspect } from 'node:util'
import type { NodeAddress } from '../model/kubernetes.ts'
import { type MachineCode, MachineCodes } from './code.ts'

/** Who is to blame for an error: the `host` or the request that it was given, the `plugin`, or the `cloud` behind it. */
export type ErrorSource = 'host' | 'plugin' | 'cloud'

/**
 * What a caller should do about an error: try again in seconds (`soon`), in minutes (`later`), or not before the
 * request has changed (`after-change`).
 */
export type RetryAdvice = 'soon' | 'later' | 'after-change'

/** One thing that is wrong with a request. */
export interface Violation {
  /** Where, for example `providerSpec.blockDevices[1].ebs.volumeSize`. */
  path: string
  /** What is wrong, for example `must be >= 1`. Never holds a secret's value. */
  message: string
}

/** What a {@link MachineError} can carry beside its code and message. */
export interface MachineErrorOptions {
  /** What caused it. Stays in the process: it is logged, not sent. */
  cause?: unknown
  /**
   * Default: `host` for `InvalidArgument` and `Canceled`, where the request is to blame; `plugin` for `Internal`,
   * `Unknown`, `DataLoss` and `Unimplemented`; else `cloud`.
   */
  source?: ErrorSource
  /** Default: by code, as {@link adviceFor} has it. */
  retry?: RetryAdvice
  /** Milliseconds from now before which a retry is useless, for example from a `Retry-After` header. */
  retryAfterMs?: number
  /** Stable word for programs, narrower than the code: usually the cloud's own error code. */
  reason?: string
  /** Text to be stored in `Machine.status.lastKnownState` and handed to the next try. At most 4 KiB. */
  lastKnownState?: string
  /** Identity of the VM; required with `Uninitialized`. */
  providerID?: string
  /** Name of the Node; required with `Uninitialized`. */
  nodeName?: string
  /** Addresses of the VM, with `Uninitialized`. */
  addresses?: NodeAddress[]
  /** All that is wrong with the request, with `InvalidArgument`. */
  violations?: Violation[]
}

// A plugin carries its own copy of this package, so `instanceof` would not recognise its errors.
const brand = Symbol.for('mcm.MachineError')

/**
 * The error of the driver contract. A plugin throws it; the client throws it. Anything else that a plugin throws
 * becomes one by {@link MachineError.from}.
 *
 * Source: upstream's status error, with the response that a Go driver returns beside its error.
 *
 * @example
 * throw new MachineError('ResourceExhausted', 'no capacity for c5.large in eu-west-1a', {
 *   reason: 'InsufficientInstanceCapacity',
 *   cause: error,
 * })
 */
export class MachineError extends Error {
  /** Tells it from other errors in logs. */
  override readonly name = 'MachineError'
  /** What kind of failure. */
  readonly code: MachineCode
  /** Who is to blame. */
  readonly source: ErrorSource
  /** What a caller should do. */
  readonly retry: RetryAdvice
  /** Milliseconds before which a retry is useless, where that is known. */
  readonly retryAfterMs: number | undefined
  /** Stable word for programs, narrower than the code. */
  readonly reason: string | undefined
  /** Text that the next try gets. */
  readonly lastKnownState: string | undefined
  /** Identity of the VM, with `Uninitialized`. */
  readonly providerID: string | undefined
  /** Name of the Node, with `Uninitialized`. */
  readonly nodeName: string | undefined
  /** Addresses of the VM, where known; else empty. */
  readonly addresses: readonly NodeAddress[]
  /** All that is wrong with the request; else empty. */
  readonly violations: readonly Violation[]

  /**
   * @param code What kind of failure; decides how soon the controller tries again. See the table of codes per method.
   * @param message What failed, where, why, and what to do; shown to users. Never holds a secret.
   */
  constructor(code: Exclude<MachineCode, 'OK'>, message: string, options: MachineErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.source = options.source ?? blameFor(code)
    this.retry = options.retry ?? adviceFor(code)
    this.retryAfterMs = options.retryAfterMs
    this.reason = options.reason
    this.lastKnownState = options.lastKnownState
    this.providerID = options.providerID
    this.nodeName = options.nodeName
    this.addresses = options.addresses ?? []
    this.violations = options.violations ?? []
    Object.defineProperty(this, brand, { value: true })
  }

  /** Number of the code, 1 to 17. */
  get codeNumber(): number {
    return MachineCodes[this.code]
  }

  /** Whether a value is a MachineError, of whichever copy of this package. */
  static is(value: unknown): value is MachineError {
    return typeof value === 'object' && value !== null && brand in value
  }

  /**
   * The answer of GetMachineStatus for a VM that exists and that InitializeMachine has yet to set up. The controller
   * needs both names, so both are required.
   */
  static uninitialized(
    vm: { providerID: string; nodeName: string; addresses?: NodeAddress[] },
    message = `VM ${vm.providerID} is not initialized yet`,
  ): MachineError {
    return new MachineError('Uninitialized', message, vm)
  }

  /**
   * Makes a MachineError of anything thrown:
   *
   * - a MachineError stays as it is;
   * - an abort is `Canceled`, a time-out `DeadlineExceeded`;
   * - a connection that failed (refused, reset, no such host, …) is `Unavailable`, blamed on the cloud;
   * - anything else is `Internal`, blamed on the plugin. The cause is kept.
   */
  static from(thrown: unknown): MachineError {
    if (MachineError.is(thrown)) return thrown
    const message = textOf(thrown)
    const name = property(thrown, 'name')
    if (name === 'TimeoutError') return new MachineError('DeadlineExceeded', message, { cause: thrown })
    if (name === 'AbortError') return new MachineError('Canceled', message, { cause: thrown })
    const systemCode = property(thrown, 'code') ?? property(property(thrown, 'cause'), 'code')
    if (typeof systemCode === 'string' && connectionFailures.has(systemCode)) {
      return new MachineError('Unavailable', message, { cause: thrown, source: 'cloud', reason: systemCode })
    }
    return new MachineError('Internal', message, { cause: thrown, source: 'plugin' })
  }
}

/** The retry advice that follows from a code alone. Source: the retry periods of upstream's controller. */
export function adviceFor(code: MachineCode): RetryAdvice {
  if (soonCodes.has(code)) return 'soon'
  return changeCodes.has(code) ? 'after-change' : 'later'
}

function blameFor(code: MachineCode): ErrorSource {
  if (requestCodes.has(code)) return 'host'
  return pluginCodes.has(code) ? 'plugin' : 'cloud'
}

const soonCodes = new Set<MachineCode>(['Unknown', 'DeadlineExceeded', 'Aborted', 'Unavailable', 'Uninitialized'])
const changeCodes = new Set<MachineCode>(['InvalidArgument', 'AlreadyExists', 'Unimplemented', 'Unauthenticated'])
const requestCodes = new Set<MachineCode>(['InvalidArgument', 'Canceled'])
const pluginCodes = new Set<MachineCode>(['Internal', 'Unknown', 'DataLoss', 'Unimplemented'])
const connectionFailures = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
])

/** What a thrown thing says; many a library throws plain objects. */
function textOf(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown
  const message = property(thrown, 'message')
  if (typeof message === 'string' && message !== '') return message
  return thrown instanceof Error ? thrown.name : inspect(thrown, { depth: 2, breakLength: Number.POSITIVE_INFINITY })
}

function property(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
}
