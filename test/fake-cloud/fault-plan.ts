/** Which requests a fault strikes, and what it does to the connection. A fake adds what it can do besides. */
export interface Fault {
  action: string
  /** Strikes only requests about the VM of this machine. */
  machine?: string
  /** Strikes only requests for a page of a list after the first. */
  laterPages?: boolean
  /** How many requests it strikes. Default: 1. */
  times?: number
  /** Closes the connection: before anything is done, or after all is done. */
  cut?: 'before' | 'after'
  /** Waits before it answers, after all is done. */
  delayMs?: number
}

/** The faults that are still to come. Those of an action are used up in order. */
export class FaultPlan<F extends Fault> {
  readonly #faults: { fault: F; left: number }[] = []

  add(...faults: F[]): void {
    this.#faults.push(...faults.map((fault) => ({ fault, left: fault.times ?? 1 })))
  }

  /** The fault of the next request with this action, about this machine. */
  take(action: string, { machine, isLaterPage }: { machine: string | undefined; isLaterPage: boolean }): F | undefined {
    const found = this.#faults.find(({ fault, left }) => {
      const isMeant = (fault.machine ?? machine) === machine && (isLaterPage || !fault.laterPages)
      return fault.action === action && isMeant && left > 0
    })
    if (found) found.left--
    return found?.fault
  }

  clear(): void {
    this.#faults.length = 0
  }
}
