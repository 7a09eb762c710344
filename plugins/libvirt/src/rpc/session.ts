import type { CallOptions } from './call-options.ts'
import { type Connection, type ConnectionOptions, openConnection } from './connection.ts'
import type { OutgoingStream } from './outgoing-stream.ts'
import type { Procedure } from './procedure.ts'
import type { Target } from './uri.ts'

/**
 * Two connections to one daemon, one for looks and one for changes: ten starts at once take seconds, and a list that had
 * to wait behind them would too. Events come on the connection for looks.
 * Both live and die together, so there is one moment at which all that was known about the daemon is in doubt.
 */
export async function openSession(target: Target, options: ConnectionOptions = {}): Promise<Session> {
  const reads = await openConnection(target, options)
  try {
    return new Session(reads, await openConnection(target, options))
  } catch (error) {
    await reads.close()
    throw error
  }
}

export class Session implements AsyncDisposable {
  readonly #reads: Connection
  readonly #writes: Connection
  /** Resolves with the cause, and never rejects, when both connections are gone. */
  readonly closed: Promise<unknown>

  constructor(reads: Connection, writes: Connection) {
    this.#reads = reads
    this.#writes = writes
    this.closed = this.#whenEitherEnds()
  }

  get isOpen(): boolean {
    return this.#reads.isOpen && this.#writes.isOpen
  }

  call<Args, Reply>(procedure: Procedure<Args, Reply>, args: Args, options?: CallOptions): Promise<Reply> {
    return this.#lane(procedure).call(procedure, args, options)
  }

  callWithStream<Args, Reply>(
    procedure: Procedure<Args, Reply>,
    args: Args,
    options?: CallOptions,
  ): Promise<OutgoingStream> {
    return this.#lane(procedure).callWithStream(procedure, args, options)
  }

  onMessage(procedure: number, listener: (payload: Uint8Array) => void): () => void {
    return this.#reads.onMessage(procedure, listener)
  }

  async close(): Promise<void> {
    await Promise.all([this.#reads.close(), this.#writes.close()])
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #lane(procedure: { readonly lane: 'read' | 'write' }): Connection {
    return procedure.lane === 'read' ? this.#reads : this.#writes
  }

  async #whenEitherEnds(): Promise<unknown> {
    const cause = await Promise.race([this.#reads.closed, this.#writes.closed])
    // Whoever waits on the other connection hears the same cause.
    for (const connection of [this.#reads, this.#writes]) connection.lose(cause)
    await Promise.all([this.#reads.closed, this.#writes.closed])
    return cause
  }
}
