import type { MachineCode } from '@mcm/sdk'

/**
 * All error codes of the cloud: by which machine code the driver answers each, and what the cloud says with it when a
 * fault was injected. For each machine code there is at least one; the first one is what a fault with that machine
 * code gives.
 */
export const cloudErrors = {
  RequestCanceled: { machineCode: 'Canceled', text: 'the request was canceled' },
  UnknownFailure: { machineCode: 'Unknown', text: 'something failed and the cloud cannot tell what' },
  InvalidParameter: { machineCode: 'InvalidArgument', text: 'a parameter is not valid' },
  RequestTimeout: { machineCode: 'DeadlineExceeded', text: 'the request took too long' },
  InstanceNotFound: { machineCode: 'NotFound', text: 'there is no such instance' },
  ImageNotFound: { machineCode: 'NotFound', text: 'there is no such image' },
  IdempotentParameterMismatch: {
    machineCode: 'AlreadyExists',
    text: 'the client token belongs to an instance with other parameters',
  },
  AccessDenied: { machineCode: 'PermissionDenied', text: 'the credential may not do this' },
  InsufficientCapacity: {
    machineCode: 'ResourceExhausted',
    text: 'no capacity for this machine type in this zone; try another zone, or later',
  },
  QuotaExceeded: { machineCode: 'ResourceExhausted', text: 'a quota is used up; raise it or delete instances' },
  InvalidState: { machineCode: 'FailedPrecondition', text: 'the instance is in a state that does not allow this' },
  TagMismatch: { machineCode: 'FailedPrecondition', text: 'the instance does not carry the tag asked for' },
  OperationInProgress: { machineCode: 'Aborted', text: 'another operation on the instance is running' },
  SizeOutOfRange: { machineCode: 'OutOfRange', text: 'a size is out of range' },
  NotSupported: { machineCode: 'Unimplemented', text: 'the cloud does not support this' },
  InternalFailure: { machineCode: 'Internal', text: 'the cloud failed internally' },
  ServiceUnavailable: { machineCode: 'Unavailable', text: 'the service is down; try again' },
  Throttled: { machineCode: 'Unavailable', text: 'too many requests; slow down' },
  ConnectionReset: { machineCode: 'Unavailable', text: 'the connection broke before the answer came' },
  StateCorrupted: { machineCode: 'DataLoss', text: 'data of the instance were lost' },
  InvalidToken: { machineCode: 'Unauthenticated', text: 'the token is not valid' },
  InstanceNotReady: { machineCode: 'Uninitialized', text: 'the instance is not ready to be initialized; try again' },
} as const satisfies Record<string, { machineCode: Exclude<MachineCode, 'OK'>; text: string }>

/** Error code of the cloud, for example `QuotaExceeded`. */
export type CloudErrorCode = keyof typeof cloudErrors

/** What the cloud answers when an operation fails. */
export class CloudError extends Error {
  override readonly name = 'CloudError'
  readonly code: CloudErrorCode
  /** Milliseconds before which another try is useless. */
  readonly retryAfterMs: number | undefined

  constructor(code: CloudErrorCode, message: string, options: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retryAfterMs = options.retryAfterMs
  }
}

/** The cloud's error code for a name that may also be a machine code; `undefined` for any other text. */
export function cloudErrorCodeOf(name: string): CloudErrorCode | undefined {
  return codes.find((code) => code === name) ?? codes.find((code) => cloudErrors[code].machineCode === name)
}

// Object.keys loses the type of the keys.
const codes = Object.keys(cloudErrors) as CloudErrorCode[]
