/**
 * Tells a plugin that answers from one that floods. Every call has an ack and an answer; what comes beyond that is logs and
 * noise. Node offers no way to read the channel more slowly, so there is a limit and not a brake.
 */
export class MessageLimit {
  readonly #now: () => number
  #windowStart: number
  #received = 0
  #sent = 0

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#windowStart = now()
  }

  countSent(): void {
    this.#sent++
  }

  /** Counts one that came. `true` once there are too many. */
  isFlood(): boolean {
    this.#received++
    if (this.#received <= maxMessages) return false
    // Looked at only now, since a clock costs more than the count.
    const now = this.#now()
    const seconds = (now - this.#windowStart) / 1000
    const isFlood = this.#received > maxMessages * Math.max(1, seconds) + repliesPerMessage * this.#sent
    if (seconds >= 1 && !isFlood) {
      this.#windowStart = now
      this.#received = 0
      this.#sent = 0
    }
    return isFlood
  }
}

// The host takes some 100,000 small messages a second when it does nothing else. A tenth of that is noise of one plugin.
const maxMessages = 10_000
const repliesPerMessage = 4
