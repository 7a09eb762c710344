import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeValue, encodeValue } from '../codec.ts'
import { encodeFrame, type Frame, FrameDecoder, messageStatus, messageType } from '../frame.ts'
import { keepaliveProgram, type Procedure, remoteProgram } from '../procedure.ts'
import { procedures } from '../procedures.ts'
import { remoteError } from '../remote-error.ts'
import { unixTransport } from '../transport.ts'
import type { Target } from '../uri.ts'

/** For tests: the other end of a Unix socket, which signs clients in and then does what the test says. */
export async function startFakeLibvirtd(options: FakeOptions = {}): Promise<FakeLibvirtd> {
  const folder = await mkdtemp(join(tmpdir(), 'fake-libvirtd-'))
  const path = join(folder, 'sock')
  const fake = new FakeLibvirtd(path, options)
  await fake.listen()
  fake.onClosed = () => rm(folder, { recursive: true })
  return fake
}

export interface FakeOptions {
  /** Authentication types to offer; 0 is none. */
  readonly authentication?: number[]
  /** Whether it claims to answer pings. */
  readonly keepalive?: boolean
  readonly dropsAtSignIn?: boolean
}

/** Something that a client sent. */
export interface Received {
  readonly client: number
  readonly frame: Frame
}

export class FakeLibvirtd implements AsyncDisposable {
  readonly target: Target
  readonly received: Received[] = []
  onClosed: () => Promise<void> = async () => {}
  /** Stops answering pings. */
  isDeaf = false
  readonly #path: string
  readonly #options: FakeOptions
  readonly #clients: Socket[] = []
  readonly #server = createServer((socket) => this.#serve(socket))
  #changed = Promise.withResolvers<void>()

  constructor(path: string, options: FakeOptions) {
    this.#path = path
    this.#options = options
    this.target = { transport: unixTransport([path]), name: 'qemu:///session' }
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(this.#path, resolve))
  }

  /** Calls of this procedure, once there are as many as expected. */
  async calls<A, R>(procedure: Procedure<A, R>, count: number): Promise<Array<Received & { readonly args: A }>> {
    const found = await this.frames((frame) => frame.procedure === procedure.number && frame.type === 0, count)
    return found.map((call) => ({ ...call, args: decodeValue(procedure.args, call.frame.payload) }))
  }

  async frames(matches: (frame: Frame) => boolean, count: number): Promise<Received[]> {
    for (;;) {
      const found = this.received.filter(({ frame }) => matches(frame))
      if (found.length >= count) return found
      await this.#changed.promise
    }
  }

  reply<A, R>({ client, frame }: Received, procedure: Procedure<A, R>, value: R): void {
    this.send(client, { ...frame, type: messageType.reply, payload: encodeValue(procedure.reply, value) })
  }

  fail({ client, frame }: Received, code: number, message: string, type: number = messageType.reply): void {
    const payload = encodeValue(remoteError, { ...noError, code, message })
    this.send(client, { ...frame, type, status: messageStatus.error, payload })
  }

  send(client: number, frame: Frame): void {
    this.sendRaw(client, encodeFrame(frame))
  }

  sendRaw(client: number, bytes: Uint8Array): void {
    this.#clients[client]?.write(bytes)
  }

  message(client: number, procedure: number, payload: Uint8Array): void {
    this.send(client, { ...remote, procedure, type: messageType.message, serial: 0, status: 0, payload })
  }

  ping(client: number): void {
    this.send(client, { ...keepalive, procedure: keepaliveProgram.ping, payload: new Uint8Array() })
  }

  /** Stops reading from a client, as libvirtd does when it has enough to do. */
  pause(client: number): void {
    this.#clients[client]?.pause()
  }

  resume(client: number): void {
    this.#clients[client]?.resume()
  }

  drop(client: number): void {
    this.#clients[client]?.destroy()
  }

  get openClients(): number {
    return this.#clients.filter((socket) => !socket.destroyed).length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#clients) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
    await this.onClosed()
  }

  #serve(socket: Socket): void {
    const client = this.#clients.push(socket) - 1
    const decoder = new FrameDecoder()
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      for (const frame of decoder.push(chunk)) this.#receive({ client, frame })
      this.#changed.resolve()
      this.#changed = Promise.withResolvers()
    })
  }

  #receive(received: Received): void {
    const { client, frame } = received
    if (frame.program === keepaliveProgram.number && frame.procedure === keepaliveProgram.ping && !this.isDeaf) {
      this.send(client, { ...keepalive, procedure: keepaliveProgram.pong, payload: new Uint8Array() })
    }
    if (!this.#signIn(received)) this.received.push(received)
  }

  #signIn(received: Received): boolean {
    const { program, type, procedure } = received.frame
    if (program !== remoteProgram.number || type !== messageType.call) return false
    if (this.#options.dropsAtSignIn) this.drop(received.client)
    switch (procedure) {
      case procedures.authList.number:
        this.reply(received, procedures.authList, { types: this.#options.authentication ?? [0] })
        return true
      case procedures.connectSupportsFeature.number:
        this.reply(received, procedures.connectSupportsFeature, { supported: this.#options.keepalive ?? true })
        return true
      case procedures.connectOpen.number:
        this.reply(received, procedures.connectOpen, {})
        return true
      case procedures.connectClose.number:
        this.drop(received.client)
        return true
      default:
        return false
    }
  }
}

const remote = { program: remoteProgram.number, version: remoteProgram.version }
const keepalive = {
  program: keepaliveProgram.number,
  version: keepaliveProgram.version,
  type: messageType.message,
  serial: 0,
  status: messageStatus.ok,
}

const noError = {
  code: 0,
  domain: 10,
  message: undefined,
  level: 2,
  dom: undefined,
  str1: undefined,
  str2: undefined,
  str3: undefined,
  int1: 0,
  int2: 0,
  net: undefined,
}
