import { createHash } from 'node:crypto'
import type { CallContext } from '@mcm/sdk'

/** Keeps what `context.client` made, until no call has used it for a while or the plugin stops. */
export class ClientCache {
  readonly #idleMs: number
  readonly #entries = new Map<string, Entry>()

  constructor(idleMs = 10 * 60_000) {
    this.#idleMs = idleMs
  }

  /** The `client` function of one call. What the call has used stays at least until `release`. */
  lease(): { client: CallContext['client']; release(): void } {
    const used = new Set<Entry>()
    return {
      client: async <T>(key: string | readonly string[], make: () => T | Promise<T>, dispose?: Dispose<T>) => {
        // Keys hold credentials; a hash does not.
        const id = createHash('sha256').update(JSON.stringify(key)).digest('base64')
        const entry = this.#entries.get(id) ?? this.#add(id, make, dispose)
        if (!used.has(entry)) {
          used.add(entry)
          entry.users++
          clearTimeout(entry.idle)
        }
        // The key stands for the type: who asks with the same key gets what was made for it.
        return (await entry.client) as T
      },
      release: () => {
        for (const entry of used) {
          entry.users--
          // One that was dropped meanwhile has been released already.
          const isKept = this.#entries.get(entry.id) === entry
          if (entry.users === 0 && isKept) entry.idle = setTimeout(() => void this.#drop(entry), this.#idleMs).unref()
        }
        used.clear()
      },
    }
  }

  /** Disposes all clients. */
  async close(): Promise<void> {
    await Promise.all([...this.#entries.values()].map((entry) => this.#drop(entry)))
  }

  #add<T>(id: string, make: () => T | Promise<T>, dispose?: Dispose<T>): Entry {
    const client = Promise.resolve().then(make)
    const entry: Entry = { id, client, users: 0, idle: undefined, dispose: async () => dispose?.(await client) }
    this.#entries.set(id, entry)
    // A failed login is not kept: the next call tries again. Its caller gets the error.
    client.catch(() => this.#forget(entry))
    return entry
  }

  #forget(entry: Entry): void {
    clearTimeout(entry.idle)
    if (this.#entries.get(entry.id) === entry) this.#entries.delete(entry.id)
  }

  async #drop(entry: Entry): Promise<void> {
    this.#forget(entry)
    // A client that cannot be released is lost either way; the plugin's other clients still have to be.
    await entry.dispose().catch(() => {})
  }
}

type Dispose<T> = (client: T) => void | Promise<void>

interface Entry {
  id: string
  client: Promise<unknown>
  /** Calls that use it now. */
  users: number
  /** Runs while nobody does. */
  idle: NodeJS.Timeout | undefined
  dispose(): Promise<void>
}
