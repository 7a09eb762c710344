export interface KeepaliveSettings {
  /** How long silence may last before we ask. */
  readonly intervalMs: number
  /** How many questions in a row may stay without an answer. */
  readonly attempts: number
}

/** The same figures as libvirt's own clients: a daemon that hangs is noticed after half a minute. */
export const defaultKeepalive: KeepaliveSettings = { intervalMs: 5000, attempts: 5 }

/**
 * Notices a daemon that hangs, or a host that is gone without a goodbye.
 * It counts questions and never compares clocks: after a pause of this process, the answers that wait in the socket are
 * read before the next question is counted.
 */
export class Keepalive {
  readonly #timer: NodeJS.Timeout
  #unanswered = 0
  #heard = true

  constructor({ intervalMs, attempts }: KeepaliveSettings, ask: () => void, giveUp: () => void) {
    this.#timer = setInterval(() => {
      if (this.#heard) {
        this.#heard = false
        this.#unanswered = 0
        return
      }
      if (this.#unanswered >= attempts) {
        this.stop()
        giveUp()
        return
      }
      this.#unanswered += 1
      ask()
    }, intervalMs)
  }

  heard(): void {
    this.#heard = true
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
