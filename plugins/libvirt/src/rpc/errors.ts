/** What libvirtd answered instead of a result. `code` is the stable part: compare it with `errorCode`. */
export class LibvirtError extends Error {
  override readonly name = 'LibvirtError'
  /** Which kind of failure, see `errorCode`. */
  readonly code: number
  /** Which part of libvirt reports it (20 domains, 18 storage, 10 QEMU, …). */
  readonly domain: number
  /** 1 warning, 2 error. */
  readonly level: number
  /** The procedure that failed. */
  readonly procedure: string
  /** libvirt's own text, without the name of the procedure. */
  readonly detail: string

  constructor(fields: { code: number; domain: number; level: number; procedure: string; detail: string }) {
    super(`${fields.procedure}: ${fields.detail} (libvirt error ${fields.code}, domain ${fields.domain})`)
    this.code = fields.code
    this.domain = fields.domain
    this.level = fields.level
    this.procedure = fields.procedure
    this.detail = fields.detail
  }
}

/**
 * The connection broke, or was closed, before the answer came.
 * Where `sent` is true libvirtd may have done it, may do it still, or may never have seen it: look before trying again.
 */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost'
  readonly procedure: string
  readonly sent: boolean

  constructor(procedure: string, sent: boolean, cause: unknown) {
    super(`${procedure}: connection to libvirtd lost: ${reasonOf(cause)}`, { cause })
    this.procedure = procedure
    this.sent = sent
  }
}

/**
 * The caller's signal or deadline ended the wait; `cause` is the reason.
 * libvirtd knows no cancellation: where `sent` is true the call goes on there, and only its answer is dropped.
 * So look the object up afterwards.
 */
export class CallAbandoned extends Error {
  override readonly name = 'CallAbandoned'
  readonly procedure: string
  readonly sent: boolean

  constructor(procedure: string, sent: boolean, cause: unknown) {
    super(`${procedure}: given up ${sent ? 'while libvirtd works on it' : 'before it was sent'}: ${reasonOf(cause)}`, {
      cause,
    })
    this.procedure = procedure
    this.sent = sent
  }
}

/** No connection could be made. `reason` says whose problem it is; the message says what to do. */
export class ConnectFailed extends Error {
  override readonly name = 'ConnectFailed'
  readonly reason: 'bad-uri' | 'not-running' | 'not-permitted' | 'authentication' | 'failed'

  constructor(reason: ConnectFailed['reason'], message: string, cause?: unknown) {
    super(message, { cause })
    this.reason = reason
  }
}

/** The other side sent something that is not libvirt's protocol. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
}

/** The content does not fit its volume, or is not as long as it said. libvirtd would have accepted it. */
export class UploadSizeError extends Error {
  override readonly name = 'UploadSizeError'
}

export function isLibvirtError(error: unknown, ...codes: number[]): error is LibvirtError {
  return error instanceof LibvirtError && (codes.length === 0 || codes.includes(error.code))
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
