/** Something that goes wrong with requests of one action. Faults of an action are used up in order. */
export interface Fault {
  action: string
  /** Strikes only requests about the instance with this tag Name. */
  machine?: string
  /** Strikes only requests for a page of a list after the first. */
  laterPages?: boolean
  /** How many requests it strikes. Default: 1. */
  times?: number
  /** Answers with this error, and does nothing. */
  error?: { code: string; status: number; message?: string }
  /** Closes the connection: before anything is done, or after all is done. */
  cut?: 'before' | 'after'
  /** Waits before it answers, after all is done. */
  delayMs?: number
}

/** The faults that are still to come. */
export class FaultPlan {
  readonly #faults: (Fault & { left: number })[] = []

  add(...faults: Fault[]): void {
    this.#faults.push(...faults.map((fault) => ({ ...fault, left: fault.times ?? 1 })))
  }

  /** The fault of the next request with this action, about this machine. */
  take(
    action: string,
    { machine, isLaterPage }: { machine: string | undefined; isLaterPage: boolean },
  ): Fault | undefined {
    const fault = this.#faults.find((candidate) => {
      const isMeant = candidate.machine === undefined || candidate.machine === machine
      const isPage = !candidate.laterPages || isLaterPage
      return candidate.action === action && isMeant && isPage && candidate.left > 0
    })
    if (fault) fault.left--
    return fault
  }

  clear(): void {
    this.#faults.length = 0
  }
}
