import { type MachineCode, MachineError } from '@mcm/sdk'

/** What the cloud's error codes mean. The code decides when, and whether, the controller tries again. */
const codes: Record<string, Exclude<MachineCode, 'OK'>> = {
  InvalidParameter: 'InvalidArgument',
  InvalidToken: 'Unauthenticated',
  NotFound: 'NotFound',
  OutOfCapacity: 'ResourceExhausted',
  Throttled: 'Unavailable',
}

/** The error for a response of the cloud that is one. */
export async function errorOf(response: Response): Promise<MachineError> {
  const body: unknown = await response.json().catch(() => ({}))
  const { code = '', message = response.statusText } = body as Record<string, string>
  const retryAfterMs = Number(response.headers.get('retry-after')) * 1000
  const options = { source: 'cloud', reason: code, ...(retryAfterMs > 0 && { retryAfterMs }) } as const
  const meaning = codes[code] ?? (response.status >= 500 ? 'Unavailable' : 'Internal')
  return new MachineError(meaning, `MyCloud: ${message} (${code || response.status})`, options)
}

/** The error for a request that got no response. An abort stays one. */
export function errorOfRequest(error: unknown): unknown {
  if (!(error instanceof TypeError)) return error
  const { message } = (error.cause ?? error) as Error
  return new MachineError('Unavailable', `MyCloud cannot be reached: ${message}`, { cause: error })
}
