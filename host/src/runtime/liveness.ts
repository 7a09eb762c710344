/** What to watch, and what to do about it. */
export interface LivenessOptions {
  /** How long a sign of life may take. Milliseconds. */
  stuckMs: number
  /** Whether calls run. */
  isBusy(): boolean
  /** Asks for a sign of life; `seen` is called with the same id when it comes. */
  ping(id: number): void
  /** No sign of life came in time. Called once. */
  onStuck(): void
}

/**
 * Watches whether the other side's event loop turns. Each call is acknowledged at once, before the plugin's own code
 * runs, and so is each `health`. So silence means a loop that is stuck, and not a cloud that is slow.
 */
export class Liveness {
  readonly #options: LivenessOptions
  /** When what was asked was asked, the oldest first. Ids of calls are positive, those of pings negative. */
  readonly #awaited = new Map<number, number>()
  #timer: NodeJS.Timeout | undefined
  #lastPingId = 0
  #lastSeenMs = performance.now()

  constructor(options: LivenessOptions) {
    this.#options = options
  }

  /** Begins to watch. Not before the plugin was loaded: imports may take the loop for long. */
  start(): void {
    this.#lastSeenMs = performance.now()
    this.#timer = setInterval(() => this.#look(), Math.min(lookMs, this.#options.stuckMs / 3)).unref()
  }

  /** A sign of life is expected for a call. */
  expect(id: number): void {
    this.#awaited.set(id, performance.now())
  }

  /** It came. @returns Whether it was expected. */
  seen(id: number): boolean {
    this.#lastSeenMs = performance.now()
    return this.#awaited.delete(id)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#awaited.clear()
  }

  #look(): void {
    if (this.#isLate()) {
      // The host's own loop may have been the one that stood still: what lies in the channel is read before it is judged.
      setImmediate(() =>
        setImmediate(() => {
          if (!this.#isLate()) return
          this.close()
          this.#options.onStuck()
        }),
      )
    } else if (this.#awaited.size === 0 && performance.now() - this.#lastSeenMs > this.#pingMs) {
      this.expect(--this.#lastPingId)
      this.#options.ping(this.#lastPingId)
    }
  }

  get #pingMs(): number {
    return this.#options.isBusy() ? busyPingMs : idlePingMs
  }

  #isLate(): boolean {
    const [oldestMs] = this.#awaited.values()
    return oldestMs !== undefined && performance.now() - oldestMs > this.#options.stuckMs
  }
}

const lookMs = 500
// A call gets stuck after it was taken: the plugin's own code begins then.
const busyPingMs = 250
// An idle plugin is asked too: a timer of its own can block it, and the next call would be the one that suffers.
const idlePingMs = 5000
