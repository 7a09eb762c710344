import { createHash } from 'node:crypto'
import { untilAborted } from '../wait/wait.ts'
import type { CallContext } from './context.ts'

/** Keeps what `context.client` made, until no call has used it for a while or the plugin stops. */
export class ClientCache {
  readonly #idleMs: number
  readonly #entries = new Map<string, Entry>()

  constructor(idleMs = 10 * 60_000) {
    this.#idleMs = idleMs
  }

  /** The `client` function of one call, which waits until the call's signal aborts. What the call has used stays at least until `release`. */
  lease(signal: AbortSignal): ClientLease {
    const used = new Set<Entry>()
    return {
      client: async <T>(key: string | readonly string[], make: Make<T>, dispose?: Dispose<T>) => {
        signal.throwIfAborted()
        // Keys hold credentials; a hash does not.
        const id = createHash('sha256').update(JSON.stringify(key)).digest('base64')
        const entry = this.#entries.get(id) ?? this.#add(id, make, dispose)
        if (!used.has(entry)) {
          used.add(entry)
          entry.users++
          clearTimeout(entry.idle)
        }
        // The key stands for the type: who asks with the same key gets what was made for it.
        return (await untilAborted(entry.client, signal)) as T
      },
      release: () => {
        for (const entry of used) {
          entry.users--
          // One that was dropped meanwhile has been released already.
          if (entry.users > 0 || this.#entries.get(entry.id) !== entry) continue
          if (entry.isMade) entry.idle = setTimeout(() => void this.#drop(entry), this.#idleMs).unref()
          // All calls that waited for it have given up.
          else void this.#drop(entry)
        }
        used.clear()
      },
    }
  }

  /** Disposes all clients. */
  async close(): Promise<void> {
    await Promise.all([...this.#entries.values()].map((entry) => this.#drop(entry)))
  }

  #add<T>(id: string, make: Make<T>, dispose?: Dispose<T>): Entry {
    const making = new AbortController()
    const tooLate = setTimeout(() => {
      making.abort(new DOMException(`making the client took longer than ${makeMs / 1000} s`, 'TimeoutError'))
    }, makeMs)
    const made = Promise.resolve().then(() => make(making.signal))
    // Not every `make` heeds its signal; its callers do not wait for that.
    const client = untilAborted(made, making.signal).finally(() => clearTimeout(tooLate))
    let disposed: Promise<void> | undefined
    const entry: Entry = {
      id,
      client,
      making,
      isMade: false,
      users: 0,
      idle: undefined,
      // Also what is made after all, when nobody waits for it any more.
      dispose: () => {
        disposed ??= made.then(dispose)
        return disposed
      },
    }
    this.#entries.set(id, entry)
    client.then(
      () => {
        entry.isMade = true
      },
      // A failed login is not kept: the next call tries again. Its caller gets the error.
      () => void this.#drop(entry),
    )
    return entry
  }

  #forget(entry: Entry): void {
    clearTimeout(entry.idle)
    if (this.#entries.get(entry.id) === entry) this.#entries.delete(entry.id)
  }

  async #drop(entry: Entry): Promise<void> {
    this.#forget(entry)
    // A client may have kept the signal; once it is made, it does not abort any more.
    if (!entry.isMade) entry.making.abort()
    // A client that cannot be released is lost either way; the plugin's other clients still have to be.
    await entry.dispose().catch(() => {})
  }
}

/** What one call has of a {@link ClientCache}. */
export interface ClientLease {
  /** The call's {@link CallContext.client}. */
  client: CallContext['client']
  /** Says that the call has ended. */
  release(): void
}

/** How long making a client may take; logins take a second or two. */
const makeMs = 30_000

type Make<T> = (signal: AbortSignal) => T | Promise<T>
type Dispose<T> = (client: T) => void | Promise<void>

interface Entry {
  id: string
  client: Promise<unknown>
  /** Ends `make` when nobody waits for it any more. */
  making: AbortController
  isMade: boolean
  /** Calls that use it now. */
  users: number
  /** Runs while nobody does. */
  idle: NodeJS.Timeout | undefined
  /** Safe to call twice. */
  dispose(): Promise<void>
}
