/** Keeps what has happened, and lets a test wait for what has or will, so that no test sleeps. */
export class EventList<T> {
  readonly all: T[] = []
  readonly #waiting = new Set<() => void>()
  #ended: Error | undefined

  add(event: T): void {
    this.all.push(event)
    this.#wake()
  }

  /** Nothing more will come: who still waits gets the error. */
  end(why: Error): void {
    this.#ended = why
    this.#wake()
  }

  /** The first event that fits, also a past one. */
  async first(fits: (event: T) => boolean): Promise<T> {
    while (true) {
      const found = this.all.find(fits)
      if (found !== undefined) return found
      if (this.#ended) throw this.#ended
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }
}
