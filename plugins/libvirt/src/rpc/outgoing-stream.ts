import { ConnectionLost, ProtocolError } from './errors.ts'
import { type Frame, messageStatus } from './frame.ts'
import { errorFrom } from './remote-error.ts'

/** The most that libvirtd of any age takes in one message. */
const maxChunkBytes = 262_120

interface Wire {
  send(status: number, bytes: Uint8Array): void
  drained(): Promise<void>
}

/** Raw bytes on their way to libvirtd, as part of a call that has been answered. */
export class OutgoingStream {
  readonly #procedure: string
  readonly #wire: Wire
  readonly #ended = Promise.withResolvers<void>()
  #failure: { error: unknown } | undefined
  #closing = false

  constructor(procedure: string, wire: Wire) {
    this.#procedure = procedure
    this.#wire = wire
    // Whoever writes sees the failure; a stream that nobody writes to must not end the process.
    this.#ended.promise.catch(() => {})
  }

  /** Resolves when libvirtd has taken it all, rejects as soon as it cannot: even while nothing is written. */
  get ended(): Promise<void> {
    return this.#ended.promise
  }

  /** Resolves when the bytes have left, or wait in a buffer of bounded size: that is the back-pressure. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let start = 0; start < bytes.byteLength; start += maxChunkBytes) {
      if (this.#failure) throw this.#failure.error
      if (this.#closing) throw new Error(`${this.#procedure}: written after its end`)
      this.#wire.send(messageStatus.continue, bytes.subarray(start, start + maxChunkBytes))
      await this.#wire.drained()
    }
  }

  /** Says that all was sent. `ended` tells how it went. */
  finish(): void {
    this.#close(messageStatus.ok)
  }

  /** Tells libvirtd to stop. What it has written stays written. */
  abort(): void {
    this.#close(messageStatus.error)
  }

  /** libvirtd's last word about this stream. */
  end(frame: Frame): void {
    if (frame.status === messageStatus.error) this.#fail(errorFrom(frame, this.#procedure))
    else if (frame.status === messageStatus.ok && this.#closing) this.#ended.resolve()
    else throw new ProtocolError(`${this.#procedure}: an end, or data, that nobody asked for`)
  }

  lose(cause: unknown): void {
    this.#fail(new ConnectionLost(this.#procedure, true, cause))
  }

  #close(status: number): void {
    if (this.#closing || this.#failure) return
    this.#closing = true
    this.#wire.send(status, new Uint8Array())
  }

  #fail(error: unknown): void {
    this.#failure = { error }
    this.#ended.reject(error)
  }
}
