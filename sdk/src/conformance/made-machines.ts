import { MachineError } from '../errors/machine-error.ts'
import type { MachineRequest } from '../model/driver.ts'
import { sleep } from '../wait/wait.ts'

/** A machine that was asked for. Its providerID is there once it was answered. */
interface Made {
  request: MachineRequest
  isMade: boolean
}

/** Everything that a case has asked for, so that it can be deleted, however the case ends. */
export class MadeMachines {
  readonly #made: Made[] = []

  /** Notes a machine, before it is asked for. Returns what notes its identity. */
  note(request: MachineRequest): (providerID: string) => void {
    const made = { request: structuredClone(request), isMade: false }
    this.#made.push(made)
    return (providerID) => {
      made.isMade = true
      made.request.machine.spec.providerID = providerID
    }
  }

  /** Whether some can be found by their name only, since their identity has never become known. */
  get hasNameless(): boolean {
    return this.#made.some(({ isMade }) => !isMade)
  }

  /** Deletes all, newest first. Returns what could not be deleted, and why. */
  async deleteAll(remove: (request: MachineRequest) => Promise<unknown>, signal: AbortSignal): Promise<string[]> {
    const left = await Promise.all(
      this.#different().map(async ({ request, isMade }) => {
        try {
          await untilDone(() => remove(request), signal)
          return []
        } catch (error) {
          // What was refused when it was to be made is refused here too.
          if (!isMade && MachineError.is(error) && error.code === 'InvalidArgument') return []
          return [`${request.machine.metadata.name}: ${(error as Error).message}`]
        }
      }),
    )
    return left.flat()
  }

  /** Each once: a case may have asked for the same one often. */
  #different(): Made[] {
    const byKey = new Map<string, Made>()
    for (const one of this.#made.toReversed()) {
      const { metadata, spec } = one.request.machine
      byKey.set(JSON.stringify([metadata.name, spec.providerID, one.request.machineClass.providerSpec]), one)
    }
    return [...byKey.values()]
  }
}

/** Repeats a deletion while the driver is busy or its cloud away. */
async function untilDone(remove: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
  while (true) {
    try {
      await remove()
      return
    } catch (error) {
      const { code, retryAfterMs } = MachineError.from(error)
      if (code === 'NotFound') return
      if (!busyCodes.has(code)) throw error
      await sleep(retryAfterMs ?? busyPauseMs, signal)
    }
  }
}

/** Codes of a driver that still works on an earlier call, or waits for its cloud. */
export const busyCodes: ReadonlySet<string> = new Set(['Aborted', 'Unavailable'])
/** Pause before another try, where the driver does not say when, in milliseconds. */
export const busyPauseMs = 50
