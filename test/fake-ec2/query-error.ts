/** An answer of the API that is an error. */
export class QueryError extends Error {
  override readonly name = 'QueryError'
  readonly code: string
  readonly status: number

  constructor(code: string, message: string, status = 400) {
    super(message)
    this.code = code
    this.status = status
  }
}
