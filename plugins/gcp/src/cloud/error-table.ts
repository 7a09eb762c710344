import type { MachineCode } from '@mcm/sdk'

type FailureCode = Exclude<MachineCode, 'OK'>

/** What Compute's words for a failure become. */
interface Row {
  code: FailureCode
  /** Of an answer: `error.errors[].reason`. */
  reasons: readonly string[]
  /** Of an operation: `error.errors[].code`. A `*` stands for any text. */
  operationCodes: readonly string[]
  /** HTTP status codes, where no reason is known. */
  statuses: readonly number[]
}

/**
 * Compute's failures by the machine code that they become. The reason counts before the HTTP status: quotas arrive as
 * 403, lack of capacity as 503. Of several, the first row of this table wins, so that a quota shows before what followed
 * from it.
 *
 * Sources: Google's public reference of Compute Engine errors; the operation codes of resource pools and quotas are
 * upstream's own.
 */
export const errorTable: readonly Row[] = [
  {
    code: 'ResourceExhausted',
    reasons: ['quotaExceeded', 'limitExceeded', 'insufficientCapacity', 'resourceExhausted', 'stockout'],
    operationCodes: [
      'RESOURCE_POOL_EXHAUSTED*',
      '*_RESOURCE_POOL_EXHAUSTED*',
      '*QUOTA*',
      '*quota*',
      'IP_SPACE_EXHAUSTED*',
      'RESERVATION_CAPACITY_EXCEEDED*',
      'STOCKOUT*',
      'VM_MIN_COUNT_NOT_REACHED',
      'LIMIT_EXCEEDED*',
    ],
    statuses: [],
  },
  {
    code: 'Unauthenticated',
    reasons: ['authError', 'required:401', 'expired', 'invalid_grant', 'invalid_client', 'unauthorized_client'],
    operationCodes: [],
    statuses: [401],
  },
  {
    code: 'PermissionDenied',
    reasons: ['forbidden', 'accessNotConfigured', 'insufficientPermissions', 'accountDisabled', 'billingDisabled'],
    operationCodes: ['PERMISSIONS_ERROR', 'PERMISSION*', 'ACCESS_DENIED*'],
    statuses: [403],
  },
  {
    code: 'InvalidArgument',
    reasons: ['invalid', 'invalidParameter', 'required', 'badRequest', 'parseError', 'notFound'],
    operationCodes: ['RESOURCE_NOT_FOUND', 'INVALID_*', 'UNSUPPORTED_OPERATION', 'REQUIRED*'],
    statuses: [400, 404],
  },
  {
    code: 'FailedPrecondition',
    reasons: ['conditionNotMet', 'resourceNotReady', 'resourceInUseByAnotherResource', 'alreadyExists'],
    operationCodes: ['CONDITION_NOT_MET', 'RESOURCE_IN_USE*', 'RESOURCE_NOT_READY', 'RESOURCE_ALREADY_EXISTS'],
    statuses: [409, 412],
  },
  {
    code: 'Unavailable',
    reasons: ['rateLimitExceeded', 'userRateLimitExceeded', 'backendError', 'internalError', 'serviceUnavailable'],
    operationCodes: ['INTERNAL_ERROR', 'RATE_LIMIT*', 'SERVICE_UNAVAILABLE', 'BACKEND_ERROR'],
    statuses: [408, 429, 500, 502, 503, 504],
  },
]

/** What an answer's reasons mean, or else its status. */
export function codeOfAnswer(status: number, reasons: readonly string[]): FailureCode {
  const byReason = errorTable.find((row) => {
    return reasons.some((reason) => row.reasons.includes(reason) || row.reasons.includes(`${reason}:${status}`))
  })
  if (byReason) return byReason.code
  const byStatus = errorTable.find(({ statuses }) => statuses.includes(status))
  return byStatus?.code ?? (status >= 500 ? 'Unavailable' : 'Internal')
}

/** What the codes of an operation's errors mean. */
export function codeOfOperation(codes: readonly string[]): FailureCode {
  const found = patterns.find(({ pattern }) => codes.some((code) => pattern.test(code)))
  return found?.code ?? 'Internal'
}

const patterns = errorTable.flatMap(({ code, operationCodes }) =>
  operationCodes.map((text) => ({ code, pattern: new RegExp(`^${text.replaceAll('*', '.*')}$`) })),
)
