import { type CallOptions, watchCall } from './call-options.ts'
import { decodeValue } from './codec.ts'
import { ConnectionLost } from './errors.ts'
import { type LifecycleEvent, lifecycleEvent } from './lifecycle-event.ts'
import { lifecycleMessage, procedures } from './procedures.ts'
import type { Session } from './session.ts'

/** A reader this far behind has missed its chance: it should list everything anew. */
const maxQueued = 10_000

/**
 * Starts to watch all domains. Everything that happens after this resolves is told, in order.
 * `options` end the watch as well as its start.
 */
export async function watchLifecycle(session: Session, options: CallOptions = {}): Promise<LifecycleWatch> {
  let watch: LifecycleWatch | undefined
  // libvirtd may tell of the first event before it has answered with our number.
  const early: Uint8Array[] = []
  const stopListening = session.onMessage(lifecycleMessage.number, (payload) => {
    if (watch) watch.receive(payload)
    else early.push(payload)
  })
  try {
    const args = { eventId: lifecycleEventId, domain: undefined }
    const { callbackId } = await session.call(procedures.domainEventRegister, args, options)
    watch = new LifecycleWatch(session, callbackId, stopListening)
    for (const payload of early) watch.receive(payload)
    watch.endWith(options)
    return watch
  } catch (error) {
    stopListening()
    throw error
  }
}

const lifecycleEventId = 0

/**
 * Lifecycle events, for `for await`. The loop ends when the watch is closed or its signal aborts, and throws
 * `ConnectionLost` when the connection is lost: what happens after that is known to nobody, so list again.
 */
export class LifecycleWatch implements AsyncIterable<LifecycleEvent>, AsyncDisposable {
  readonly #session: Session
  readonly #callbackId: number
  readonly #stopListening: () => void
  readonly #queue: LifecycleEvent[] = []
  #stopWatch = () => {}
  #wake = Promise.withResolvers<void>()
  #end: { error?: unknown } | undefined
  #closing: Promise<void> | undefined

  constructor(session: Session, callbackId: number, stopListening: () => void) {
    this.#session = session
    this.#callbackId = callbackId
    this.#stopListening = stopListening
    void session.closed.then((cause) => this.#finish({ error: new ConnectionLost('lifecycle events', true, cause) }))
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<LifecycleEvent, void> {
    try {
      for (;;) {
        const event = this.#queue.shift()
        if (event) {
          yield event
        } else if (this.#end) {
          if ('error' in this.#end) throw this.#end.error
          return
        } else {
          await this.#wake.promise
          this.#wake = Promise.withResolvers()
        }
      }
    } finally {
      await this.close()
    }
  }

  /** For the channel: a message about any domain, for any callback of this connection. */
  receive(payload: Uint8Array): void {
    const { callbackId, domain, event, detail } = decodeValue(lifecycleMessage.payload, payload)
    if (callbackId !== this.#callbackId || this.#end) return
    if (this.#queue.length >= maxQueued) {
      this.#finish({ error: new Error(`nobody has read the last ${maxQueued} lifecycle events`) })
      return
    }
    this.#queue.push(lifecycleEvent(domain, event, detail))
    this.#wake.resolve()
  }

  endWith(options: CallOptions): void {
    this.#stopWatch = watchCall(options, () => void this.close())
  }

  /** Ends the loop after the events that are here already. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#deregister()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #deregister(): Promise<void> {
    this.#finish({})
    try {
      await this.#session.call(procedures.domainEventDeregister, { callbackId: this.#callbackId })
    } catch {
      // The callback belongs to the connection, so it has gone, or goes, together with it.
    }
  }

  #finish(end: { error?: unknown }): void {
    this.#end ??= end
    this.#stopWatch()
    this.#stopListening()
    this.#wake.resolve()
  }
}
