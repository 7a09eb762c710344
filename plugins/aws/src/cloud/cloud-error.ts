import { MachineError } from '@mcm/sdk'
import { machineCodeOf } from './error-table.ts'

/** What a failed request to EC2 or STS tells. */
export interface CloudFailure {
  /** The cloud's own error code; `''` when it gave none. */
  code: string
  message: string
  /** 0 without an answer. */
  httpStatus: number
  requestId: string
}

/** Reads what the SDK for JavaScript throws. */
export function failureOf(thrown: unknown): CloudFailure {
  const metadata = property(thrown, '$metadata')
  const isAnswer = typeof property(metadata, 'httpStatusCode') === 'number'
  const code = property(thrown, 'Code') ?? (isAnswer ? property(thrown, 'name') : undefined)
  const status = property(property(thrown, '$response'), 'statusCode') ?? property(metadata, 'httpStatusCode')
  return {
    code: typeof code === 'string' && !librariesOwn.has(code) ? code : '',
    message: thrown instanceof Error ? thrown.message : String(thrown),
    httpStatus: typeof status === 'number' ? status : 0,
    requestId: text(property(metadata, 'requestId')),
  }
}

/** Whether a request may succeed when it is sent again at once. Capacity does not come back within seconds. */
export function isPassing(thrown: unknown): boolean {
  // Told already, and repeated before, where that was of use.
  if (MachineError.is(thrown)) return false
  const { code, httpStatus } = failureOf(thrown)
  // The SDK has learned the right time from the answer.
  if (code === 'RequestExpired' || code === 'RequestTimeTooSkewed') return true
  const known = machineCodeOf(code)
  if (known) return known === 'Unavailable'
  return httpStatus === 429 || httpStatus >= 500 || (httpStatus === 0 && isNetworkFailure(thrown))
}

/** The contract's error for a failed request. An abort stays as it is: whoever aborted knows why. */
export function machineErrorOf(service: string, thrown: unknown, signal: AbortSignal): unknown {
  if (MachineError.is(thrown)) return thrown
  if (signal.aborted) return signal.reason
  const failure = failureOf(thrown)
  const { code, message, httpStatus, requestId } = failure
  const facts = [
    httpStatus === 0 ? 'no answer' : `HTTP ${httpStatus}`,
    ...(requestId === '' ? [] : [`request ${requestId}`]),
  ].join(', ')
  // An answer that could not be read brings the library's hints for its own developers.
  const what = code === '' ? (message.split('\n')[0] ?? '') : `${code}: ${message}`
  return new MachineError(machineCode(failure, thrown), `${service.replace('.', ' ')}: ${what} (${facts})`, {
    source: 'cloud',
    cause: thrown,
    ...(code !== '' && { reason: code }),
  })
}

function machineCode({ code, httpStatus }: CloudFailure, thrown: unknown) {
  const known = machineCodeOf(code)
  if (known) return known
  if (httpStatus === 429 || httpStatus >= 500) return 'Unavailable'
  return httpStatus === 0 && isNetworkFailure(thrown) ? 'Unavailable' : 'Internal'
}

function isNetworkFailure(thrown: unknown): boolean {
  const code = text(property(thrown, 'code')) || text(property(property(thrown, 'cause'), 'code'))
  return (
    MachineError.from(thrown).code === 'Unavailable' ||
    /^(E(?!RR_)[A-Z]+|ERR_PROXY_TUNNEL)$/.test(code) ||
    isTimeout(thrown)
  )
}

const isTimeout = (thrown: unknown) => property(thrown, 'name') === 'TimeoutError'

// Names that the library gives to answers without an error code.
const librariesOwn = new Set(['Error', 'TypeError', 'SyntaxError', 'Unknown', 'UnknownError', 'TimeoutError'])

function property(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
