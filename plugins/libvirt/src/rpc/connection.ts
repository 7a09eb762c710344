import { type CallOptions, watchCall } from './call-options.ts'
import { Channel } from './channel.ts'
import { CallAbandoned, ConnectFailed, ConnectionLost, isLibvirtError } from './errors.ts'
import { defaultKeepalive, Keepalive, type KeepaliveSettings } from './keepalive.ts'
import type { OutgoingStream } from './outgoing-stream.ts'
import type { Procedure } from './procedure.ts'
import { procedures } from './procedures.ts'
import type { Target } from './uri.ts'

export interface ConnectionOptions extends CallOptions {
  readonly keepalive?: KeepaliveSettings | undefined
}

/**
 * A connection that has signed in. Rejects with `ConnectFailed`, with `CallAbandoned` when `options` end it, or with what
 * libvirtd says. `options` end the opening only.
 */
export async function openConnection(target: Target, options: ConnectionOptions = {}): Promise<Connection> {
  const channel = await connect(target, options)
  try {
    await requireNoAuthentication(channel, target, options)
    // This question has an effect: libvirtd starts its own keep-alive with it.
    const answersPings = await supportsKeepalive(channel, options)
    await channel.call(procedures.connectOpen, { name: target.name, flags: 0 }, options)
    return new Connection(channel, answersPings ? (options.keepalive ?? defaultKeepalive) : undefined)
  } catch (error) {
    channel.lose(error)
    if (!(error instanceof ConnectionLost)) throw error
    const where = target.transport.description
    throw new ConnectFailed('failed', `libvirtd at ${where} went away during sign-in: ${error.message}`, error)
  }
}

/** One signed-in connection: calls, uploads and messages until `close`, or until it is lost. */
export class Connection implements AsyncDisposable {
  readonly #channel: Channel
  readonly #keepalive: Keepalive | undefined

  constructor(channel: Channel, keepalive: KeepaliveSettings | undefined) {
    this.#channel = channel
    if (keepalive) {
      const silence = () => channel.lose(new Error('libvirtd no longer answers'))
      const watch = new Keepalive(keepalive, () => channel.ping(), silence)
      channel.onAlive = () => watch.heard()
      void channel.closed.then(() => watch.stop())
      this.#keepalive = watch
    }
  }

  get isOpen(): boolean {
    return this.#channel.isOpen
  }

  /** Resolves with the cause, and never rejects, when the connection is gone. */
  get closed(): Promise<unknown> {
    return this.#channel.closed
  }

  call<Args, Reply>(procedure: Procedure<Args, Reply>, args: Args, options?: CallOptions): Promise<Reply> {
    return this.#channel.call(procedure, args, options)
  }

  callWithStream<Args, Reply>(
    procedure: Procedure<Args, Reply>,
    args: Args,
    options?: CallOptions,
  ): Promise<OutgoingStream> {
    return this.#channel.callWithStream(procedure, args, options)
  }

  onMessage(procedure: number, listener: (payload: Uint8Array) => void): () => void {
    return this.#channel.onMessage(procedure, listener)
  }

  /** Breaks the connection; everything that waits is told this cause. */
  lose(cause: unknown): void {
    this.#channel.lose(cause)
  }

  /** Rejects what still waits with `ConnectionLost`, and resolves when the connection is gone. Safe to call twice. */
  async close(): Promise<void> {
    this.#keepalive?.stop()
    await this.#channel.hangUp(procedures.connectClose)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

async function connect({ transport }: Target, options: CallOptions): Promise<Channel> {
  const controller = new AbortController()
  const stopWatch = watchCall(options, (reason) => controller.abort(reason))
  try {
    return new Channel(await transport.connect(controller.signal))
  } catch (error) {
    if (controller.signal.aborted) throw new CallAbandoned('connect', false, controller.signal.reason)
    throw error
  } finally {
    stopWatch()
  }
}

async function requireNoAuthentication(channel: Channel, target: Target, options: CallOptions): Promise<void> {
  const { types } = await channel.call(procedures.authList, {}, options)
  if (types.includes(authentication.none)) return
  const wanted = types.map((type) => (type === authentication.polkit ? 'polkit' : 'SASL')).join(' or ')
  const advice = "use a user whom it trusts (root), or set auth_unix_rw = 'none' in libvirtd.conf and guard the socket"
  const where = target.transport.description
  throw new ConnectFailed('authentication', `libvirtd at ${where} wants ${wanted}, which is not supported: ${advice}`)
}

const authentication = { none: 0, sasl: 1, polkit: 2 } as const

async function supportsKeepalive(channel: Channel, options: CallOptions): Promise<boolean> {
  const keepaliveFeature = 10
  try {
    const { supported } = await channel.call(procedures.connectSupportsFeature, { feature: keepaliveFeature }, options)
    return supported
  } catch (error) {
    // A daemon that does not know the question does not know the answer either.
    if (isLibvirtError(error)) return false
    throw error
  }
}
