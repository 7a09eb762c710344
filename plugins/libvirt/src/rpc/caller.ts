import { type CallOptions, joinOptions } from './call-options.ts'
import { errorCode } from './error-codes.ts'
import { isLibvirtError } from './errors.ts'
import type { OutgoingStream } from './outgoing-stream.ts'
import type { Procedure } from './procedure.ts'
import type { Session } from './session.ts'

/** A session with the wait that a caller has set for everything it does with it. */
export class Caller {
  readonly #session: Session
  readonly #options: CallOptions

  constructor(session: Session, options: CallOptions = {}) {
    this.#session = session
    this.#options = options
  }

  /** The same session, with a shorter wait. */
  limitedBy(options: CallOptions): Caller {
    return new Caller(this.#session, joinOptions(this.#options, options))
  }

  call<Args, Reply>(procedure: Procedure<Args, Reply>, args: Args, options?: CallOptions): Promise<Reply> {
    return this.#session.call(procedure, args, joinOptions(this.#options, options))
  }

  callWithStream<Args, Reply>(
    procedure: Procedure<Args, Reply>,
    args: Args,
    options?: CallOptions,
  ): Promise<OutgoingStream> {
    return this.#session.callWithStream(procedure, args, joinOptions(this.#options, options))
  }

  /** What the caller and the call have set together. */
  optionsWith(options?: CallOptions): CallOptions {
    return joinOptions(this.#options, options)
  }
}

const absent: readonly number[] = [
  errorCode.noDomain,
  errorCode.noStoragePool,
  errorCode.noStorageVolume,
  errorCode.noNetwork,
  errorCode.noDomainMetadata,
]

/** Turns "there is no such thing" into `undefined`; every other failure stays one. */
export async function orUndefined<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found
  } catch (error) {
    if (isLibvirtError(error, ...absent)) return undefined
    throw error
  }
}
