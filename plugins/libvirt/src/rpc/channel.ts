import type { Duplex } from 'node:stream'
import type { CallOptions } from './call-options.ts'
import { ProtocolError } from './errors.ts'
import { encodeFrame, type Frame, FrameDecoder, messageStatus, messageType } from './frame.ts'
import { OutgoingStream } from './outgoing-stream.ts'
import { type PendingCall, startCall } from './pending-call.ts'
import { keepaliveProgram, type Procedure, remoteProgram } from './procedure.ts'

/**
 * libvirtd works on five requests of a connection (`max_client_requests`) and then stops reading from it.
 * With one less there is always room for a keep-alive, so a busy daemon never looks like a dead one.
 */
const maxInFlight = 4

/**
 * Many calls at once over one byte stream: sends them in order, gives each its answer by serial number, and tells all
 * of them at once when the stream is lost. It knows nothing of signing in; `Connection` does.
 */
export class Channel {
  readonly #socket: Duplex
  readonly #decoder = new FrameDecoder()
  readonly #waiting: PendingCall[] = []
  /** Sent and not yet answered. An abandoned call stays: libvirtd is still busy with it, so its place is still taken. */
  readonly #inFlight = new Map<number, PendingCall>()
  readonly #streams = new Map<number, OutgoingStream>()
  readonly #listeners = new Map<number, Set<(payload: Uint8Array) => void>>()
  readonly #closed = Promise.withResolvers<unknown>()
  #lastSerial = 0
  #lost: { cause: unknown } | undefined

  /** Called for every sign of life: bytes that arrive, and bytes that the other side has taken. */
  onAlive: () => void = () => {}

  constructor(socket: Duplex) {
    this.#socket = socket
    socket.on('data', (chunk: Uint8Array) => this.#receive(chunk))
    socket.on('drain', () => this.onAlive())
    socket.on('error', (error) => this.lose(error))
    socket.on('end', () => this.lose(new Error('libvirtd closed it')))
    socket.on('close', () => {
      this.lose(new Error('libvirtd closed it'))
      this.#closed.resolve(this.#lost?.cause)
    })
  }

  get isOpen(): boolean {
    return this.#lost === undefined
  }

  /** Resolves with the cause, and never rejects, when the byte stream is gone. Calls are told earlier: at once. */
  get closed(): Promise<unknown> {
    return this.#closed.promise
  }

  async call<Args, Reply>(procedure: Procedure<Args, Reply>, args: Args, options: CallOptions = {}): Promise<Reply> {
    const call = startCall(procedure, args, options, (abandoned) => this.#dequeue(abandoned))
    this.#enqueue(call)
    return call.result
  }

  /** A call that opens a stream of raw bytes to libvirtd. It keeps its place in flight until the stream has ended. */
  async callWithStream<Args, Reply>(
    procedure: Procedure<Args, Reply>,
    args: Args,
    options: CallOptions = {},
  ): Promise<OutgoingStream> {
    const call = startCall(procedure, args, options, (abandoned) => this.#dequeue(abandoned))
    const stream = new OutgoingStream(procedure.name, {
      send: (status, bytes) => this.#send(procedure.number, messageType.stream, call.serial ?? 0, status, bytes),
      drained: () => this.#drained(),
    })
    call.stream = stream
    this.#enqueue(call)
    await call.result
    return stream
  }

  /** Messages that libvirtd sends on its own. Returns what stops listening. */
  onMessage(procedure: number, listener: (payload: Uint8Array) => void): () => void {
    const listeners = this.#listeners.get(procedure) ?? new Set()
    this.#listeners.set(procedure, listeners.add(listener))
    return () => listeners.delete(listener)
  }

  ping(): void {
    this.#sendKeepalive(keepaliveProgram.ping)
  }

  /** Breaks the byte stream. Everything that waits is told at once. */
  lose(cause: unknown): void {
    this.#fail(cause)
    this.#socket.destroy()
  }

  /** Sends one last message and closes; whatever still waits is told that this client closed. */
  async hangUp(goodbye: { readonly number: number }, graceMs = 1000): Promise<void> {
    const wasOpen = this.isOpen
    this.#fail(new Error('this client closed it'))
    if (wasOpen) {
      const serial = ++this.#lastSerial
      this.#send(goodbye.number, messageType.call, serial, messageStatus.ok, new Uint8Array())
      this.#socket.end()
    }
    const timer = setTimeout(() => this.#socket.destroy(), graceMs)
    await this.closed
    clearTimeout(timer)
  }

  #fail(cause: unknown): void {
    if (this.#lost) return
    this.#lost = { cause }
    for (const call of [...this.#inFlight.values(), ...this.#waiting]) call.lose(cause)
    for (const stream of this.#streams.values()) stream.lose(cause)
    this.#inFlight.clear()
    this.#streams.clear()
    this.#waiting.length = 0
  }

  #enqueue(call: PendingCall): void {
    if (this.#lost) call.lose(this.#lost.cause)
    if (call.settled) return
    this.#waiting.push(call)
    this.#sendWaiting()
  }

  #dequeue(call: PendingCall): void {
    const index = this.#waiting.indexOf(call)
    if (index >= 0) this.#waiting.splice(index, 1)
  }

  #sendWaiting(): void {
    while (this.#inFlight.size + this.#streams.size < maxInFlight) {
      const call = this.#waiting.shift()
      if (!call) return
      call.serial = this.#nextSerial()
      this.#inFlight.set(call.serial, call)
      this.#send(call.procedure.number, messageType.call, call.serial, messageStatus.ok, call.payload)
    }
  }

  /** Serial numbers are 32 bits wide; a connection that lives long enough starts again at 1. */
  #nextSerial(): number {
    do this.#lastSerial = this.#lastSerial === 0xffff_ffff ? 1 : this.#lastSerial + 1
    while (this.#inFlight.has(this.#lastSerial) || this.#streams.has(this.#lastSerial))
    return this.#lastSerial
  }

  #receive(chunk: Uint8Array): void {
    if (this.#lost) return
    this.onAlive()
    try {
      for (const frame of this.#decoder.push(chunk)) this.#dispatch(frame)
    } catch (error) {
      // After one frame that makes no sense, no later byte can be trusted.
      this.lose(error)
    }
  }

  #dispatch(frame: Frame): void {
    if (frame.program === keepaliveProgram.number) {
      if (frame.procedure === keepaliveProgram.ping) this.#sendKeepalive(keepaliveProgram.pong)
      return
    }
    if (frame.program !== remoteProgram.number || frame.version !== remoteProgram.version) {
      throw new ProtocolError(`a message of program ${frame.program}, version ${frame.version}`)
    }
    switch (frame.type) {
      case messageType.reply:
        // libvirtd answers the end of a stream with a reply when that end fails.
        if (this.#streams.has(frame.serial)) this.#dispatchStream(frame)
        else this.#dispatchReply(frame)
        return
      case messageType.stream:
        this.#dispatchStream(frame)
        return
      case messageType.message:
        for (const listener of this.#listeners.get(frame.procedure) ?? []) listener(frame.payload)
        return
      default:
        throw new ProtocolError(`a message of type ${frame.type}`)
    }
  }

  #dispatchReply(frame: Frame): void {
    const call = this.#inFlight.get(frame.serial)
    // libvirtd sends empty replies when it drops what is left of a stream; they belong to no call.
    if (!call) return
    this.#inFlight.delete(frame.serial)
    if (call.stream && frame.status === messageStatus.ok) {
      this.#streams.set(frame.serial, call.stream)
      if (call.settled) call.stream.abort()
    }
    call.answer(frame)
    this.#sendWaiting()
  }

  #dispatchStream(frame: Frame): void {
    const stream = this.#streams.get(frame.serial)
    if (!stream) return
    this.#streams.delete(frame.serial)
    stream.end(frame)
    this.#sendWaiting()
  }

  #sendKeepalive(procedure: number): void {
    const { number, version } = keepaliveProgram
    this.#write({
      program: number,
      version,
      procedure,
      type: messageType.message,
      serial: 0,
      status: 0,
      payload: empty,
    })
  }

  #send(procedure: number, type: number, serial: number, status: number, payload: Uint8Array): boolean {
    const { number, version } = remoteProgram
    return this.#write({ program: number, version, procedure, type, serial, status, payload })
  }

  #write(frame: Frame): boolean {
    return this.#socket.writable && this.#socket.write(encodeFrame(frame))
  }

  #drained(): Promise<void> {
    if (this.#lost || !this.#socket.writableNeedDrain) return Promise.resolve()
    return new Promise((resolve) => {
      const done = () => {
        this.#socket.off('drain', done).off('close', done)
        resolve()
      }
      this.#socket.on('drain', done).on('close', done)
    })
  }
}

const empty = new Uint8Array()
