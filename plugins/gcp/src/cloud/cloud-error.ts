import { MachineError } from '@mcm/sdk'
import { codeOfAnswer } from './error-table.ts'
import { endpoints } from './settings.ts'

/** What a failed request tells. */
export interface Failure {
  /** 0 without an answer. */
  status: number
  reasons: readonly string[]
  /** It came from a server that gives tokens, not from Compute. */
  isOfLogin: boolean
  /** In the form in which Google's client for Go tells it, which people search for. */
  text: string
}

/** Reads what the library throws. Of an answer of a token server only the OAuth error is told: see {@link loginOf}. */
export function failureOf(thrown: unknown): Failure {
  const response = property(thrown, 'response')
  const status = property(response, 'status')
  if (typeof status !== 'number') {
    return {
      status: 0,
      reasons: [],
      isOfLogin: false,
      // What else the library throws may quote an answer that it could not read, such as a token server's.
      text:
        isNetworkFailure(thrown) || isKeyFailure(thrown)
          ? firstLine(thrown)
          : "Google's library could not read an answer",
    }
  }
  const data = property(response, 'data')
  const error = property(data, 'error')
  // Everything that is not Compute gives tokens.
  if (!String(property(property(thrown, 'config'), 'url')).startsWith(computeUrl())) {
    const reason = typeof error === 'string' && /^[a-z_]{1,40}$/.test(error) ? error : 'unknown error'
    return { status, reasons: [reason], isOfLogin: true, text: `cannot fetch token: HTTP ${status}, ${reason}` }
  }
  const message = property(error, 'message')
  const errors = property(error, 'errors')
  const entries = (Array.isArray(errors) ? errors : []).map((entry) => ({
    reason: textOf(property(entry, 'reason')),
    message: textOf(property(entry, 'message')),
  }))
  const reasons = entries.flatMap(({ reason }) => (reason === '' ? [] : [reason]))
  if (typeof message !== 'string' && entries.length === 0) {
    const body = typeof data === 'string' ? data : JSON.stringify(data ?? '')
    const text = `googleapi: got HTTP response code ${status} with body: ${body.slice(0, maxBody)}`
    return { status, reasons, isOfLogin: false, text }
  }
  const text = apiText(status, textOf(message), entries, property(error, 'details'))
  return { status, reasons, isOfLogin: false, text }
}

/** The contract's error for a failed request. An abort stays as it is: whoever aborted knows why. */
export function machineErrorOf(thrown: unknown, signal: AbortSignal): unknown {
  if (MachineError.is(thrown)) return thrown
  if (signal.aborted) return signal.reason
  const failure = failureOf(thrown)
  const { status, reasons, text } = failure
  if (status === 0) {
    // A key that cannot sign, and the like, are no failures of the network.
    const code = isNetworkFailure(thrown) ? 'Unavailable' : isKeyFailure(thrown) ? 'Unauthenticated' : 'Internal'
    return new MachineError(code, text, { source: 'cloud', cause: thrown })
  }
  const [reason] = reasons
  return new MachineError(codeOf(failure), text, {
    source: 'cloud',
    cause: thrown,
    ...(reason !== undefined && { reason }),
  })
}

/** Whether a request may succeed when it is sent again at once. */
export function isPassing(thrown: unknown): boolean {
  if (MachineError.is(thrown)) return false
  const failure = failureOf(thrown)
  return failure.status === 0 ? isNetworkFailure(thrown) : codeOf(failure) === 'Unavailable'
}

/**
 * Whether an answer says that there is no such VM. That there is no such project or zone is told with the same status, and
 * must not pass for a VM that is gone.
 */
export function isNoVm(thrown: unknown): boolean {
  const { status, text } = failureOf(thrown)
  return status === 404 && !/The resource 'projects\/[^/']+(\/zones\/[^/']+)?' was not found/.test(text)
}

/** Whether Compute does not take the access token. */
export function isTokenRefused(thrown: unknown): boolean {
  const { status, isOfLogin } = failureOf(thrown)
  return status === 401 && !isOfLogin
}

/** A login that is refused is one that is wrong, whatever the server calls it. */
function codeOf({ status, reasons, isOfLogin }: Failure) {
  const code = codeOfAnswer(status, reasons)
  return isOfLogin && code !== 'Unavailable' ? 'Unauthenticated' : code
}

function apiText(
  status: number,
  message: string,
  entries: readonly { reason: string; message: string }[],
  details: unknown,
): string {
  const more = Array.isArray(details) && details.length > 0 ? `\nDetails:\n${JSON.stringify(details, null, 2)}\n` : ''
  const head = `googleapi: Error ${status}: ${message}${more}`
  const [first] = entries
  if (!first) return head.trim()
  if (entries.length === 1 && first.message === message) return `${head}, ${first.reason}`
  const lines = entries.map((entry) => `Reason: ${entry.reason}, Message: ${entry.message}\n`)
  return `${head}\nMore details:\n${lines.join('')}`
}

function isNetworkFailure(thrown: unknown): boolean {
  const code = textOf(property(thrown, 'code')) || textOf(property(property(thrown, 'cause'), 'code'))
  const name = textOf(property(property(thrown, 'cause'), 'name'))
  return (
    MachineError.from(thrown).code === 'Unavailable' ||
    /^(E(?!RR_)[A-Z]+|ERR_STREAM_PREMATURE_CLOSE|TimeoutError)$/.test(code) ||
    name === 'TimeoutError'
  )
}

function isKeyFailure(thrown: unknown): boolean {
  return /^ERR_(OSSL|CRYPTO)/.test(textOf(property(thrown, 'code')))
}

function property(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function firstLine(thrown: unknown): string {
  return (thrown instanceof Error ? thrown.message : String(thrown)).split('\n')[0] ?? ''
}

function computeUrl(): string {
  return `${new URL(endpoints().compute).origin}/compute/v1/`
}

// Enough for a person to see what answered there.
const maxBody = 1024
