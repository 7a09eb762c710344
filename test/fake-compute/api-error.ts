/** An answer of the API that is an error. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly reason: string

  constructor(status: number, reason: string, message: string) {
    super(message)
    this.status = status
    this.reason = reason
  }
}

/** The error in Google's JSON form. */
export function errorBody({ status, reason, message }: ApiError): string {
  const domain = /quota|rateLimit/i.test(reason) ? 'usageLimits' : 'global'
  return JSON.stringify({ error: { code: status, message, errors: [{ message, domain, reason }] } })
}

export function invalid(field: string, value: unknown, why: string): ApiError {
  const shown = typeof value === 'object' ? JSON.stringify(value) : String(value ?? '')
  return new ApiError(400, 'invalid', `Invalid value for field '${field}': '${shown}'. ${why}`)
}

export function notFound(resource: string): ApiError {
  return new ApiError(404, 'notFound', `The resource '${resource}' was not found`)
}
