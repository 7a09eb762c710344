import { type Patience, waitWithCaller } from '../../runtime/patience.ts'

/** How many calls may run at once, and how many may wait. */
export interface SlotLimits {
  perCredential: number
  perPlugin: number
  queuePerCredential: number
}

type GoneReason = Parameters<Parameters<typeof waitWithCaller>[2]>[0]

/** The calls of one credential: how many run, and who waits, first come first served. */
export class Lane {
  readonly limit: number
  running = 0
  /** A set keeps the order and lets anybody leave from the middle. */
  readonly waiting = new Set<() => void>()

  constructor(limit: number) {
    this.limit = limit
  }

  get isIdle(): boolean {
    return this.running === 0 && this.waiting.size === 0
  }
}

/**
 * The slots in which the calls of one plugin run. Whoever waits is served lane by lane, so that a credential with many
 * calls does not push another back. (The bulkhead of the cockatiel library has one queue for all, and those who have
 * left it still take up its room.)
 */
export class Slots {
  readonly #limits: SlotLimits
  /** Lanes with somebody who only waits for a slot of the plugin; the first is served next. */
  readonly #turns = new Set<Lane>()
  running = 0
  queued = 0

  constructor(limits: SlotLimits) {
    this.#limits = limits
  }

  /** Takes a slot if there is one. Whoever takes one gives it back with {@link release}. */
  take(lane: Lane): boolean {
    if (this.running >= this.#limits.perPlugin || lane.running >= lane.limit) return false
    this.running++
    lane.running++
    return true
  }

  /** Whether no more may wait. */
  isFull(lane: Lane): boolean {
    return lane.waiting.size >= this.#limits.queuePerCredential
  }

  /** Waits until it has a slot, or rejects with what `giveUp` makes of the reason when the caller goes. */
  async wait(lane: Lane, patience: Patience, giveUp: (reason: GoneReason) => Error): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    lane.waiting.add(resolve)
    this.queued++
    if (lane.running < lane.limit) this.#turns.add(lane)
    try {
      await waitWithCaller(promise, patience, giveUp)
    } catch (error) {
      // Served while it was giving up: the slot is for the next one.
      if (!this.#leave(lane, resolve)) this.release(lane)
      throw error
    }
  }

  /** Gives a slot back. */
  release(lane: Lane): void {
    this.running--
    lane.running--
    if (lane.waiting.size > 0) this.#turns.add(lane)
    for (const next of this.#turns) {
      if (this.running >= this.#limits.perPlugin) return
      this.#turns.delete(next)
      this.#serve(next)
    }
  }

  #serve(lane: Lane): void {
    const [first] = lane.waiting
    if (!first || !this.take(lane)) return
    this.#leave(lane, first)
    // Behind the others: a set that is walked through also visits what is added meanwhile.
    if (lane.waiting.size > 0 && lane.running < lane.limit) this.#turns.add(lane)
    first()
  }

  #leave(lane: Lane, waiter: () => void): boolean {
    if (!lane.waiting.delete(waiter)) return false
    this.queued--
    if (lane.waiting.size === 0) this.#turns.delete(lane)
    return true
  }
}
