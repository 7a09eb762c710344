import { untilAborted } from '@mcm/sdk'

/** Work that several calls wait for. It is aborted when the last of them has given up. */
export class SharedWork<T> {
  readonly #controller = new AbortController()
  readonly #result: Promise<T>
  #waiters = 0

  constructor(run: (signal: AbortSignal) => Promise<T>) {
    this.#result = run(this.#controller.signal)
    // Whoever waits sees the failure; when all have given up nobody does.
    this.#result.catch(() => {})
  }

  /** True once all have given up; who comes later must begin anew. */
  get isAborted(): boolean {
    return this.#controller.signal.aborted
  }

  async wait(signal: AbortSignal): Promise<T> {
    this.#waiters += 1
    try {
      return await untilAborted(this.#result, signal)
    } finally {
      this.#waiters -= 1
      if (this.#waiters === 0) this.#controller.abort()
    }
  }
}
