import { createHash, randomUUID } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import type { Fault, Hooks } from '@mcm/sdk/conformance'
import type { DriverMethod } from '@mcm/sdk/contract'

/** A VM of the tiny cloud. */
export interface MiniVm {
  id: string
  /** Names at most one living VM. */
  token: string
  name: string
  cluster: string
  size: string
  userData: Uint8Array
  initialized: boolean
  /** When looks begin and end to show it, by the cloud's clock. */
  shownFrom: number
  shownUntil: number
}

/** Who calls the cloud, and on whose behalf. */
export interface MiniCaller {
  credential: string
  method: DriverMethod
  machine?: string
  signal: AbortSignal
  isLaterPage?: boolean
}

/** What the tiny cloud answers when something is wrong. */
export class MiniCloudError extends Error {
  readonly status: 401 | 404 | 408 | 409 | 429 | 503 | 507 | 'reset'

  constructor(status: MiniCloudError['status'], message: string) {
    super(message)
    this.status = status
  }
}

/** A cloud in memory that counts its calls and makes trouble on demand. */
export class MiniCloud {
  readonly vms = new Map<string, MiniVm>()
  readonly log: string[] = []
  calls = 0
  /** VMs per page of a list. */
  pageSize = 10
  /** Seconds that looks lag behind. */
  lagSeconds = 0
  /** Turns of the event loop that each call takes. */
  turns = 1
  #now = 0
  #ids = 0
  #faults: Fault[] = []

  /** Makes a VM, or answers the living one of the same token; refuses when that has another size. */
  create(
    caller: MiniCaller,
    vm: Pick<MiniVm, 'token' | 'name' | 'cluster' | 'size' | 'userData' | 'initialized'>,
  ): Promise<MiniVm> {
    return this.#run(caller, true, () => {
      const earlier = this.living().find((one) => one.token === vm.token)
      if (earlier && earlier.size !== vm.size)
        throw new MiniCloudError(409, `${earlier.id} has the size ${earlier.size}`)
      if (earlier) return earlier
      this.#ids += 1
      const made = {
        ...vm,
        id: `i-${this.#ids}`,
        shownFrom: this.#now + this.lagSeconds,
        shownUntil: Number.POSITIVE_INFINITY,
      }
      this.vms.set(made.id, made)
      return made
    })
  }

  /** A page of the VMs of a cluster. */
  list(
    caller: MiniCaller,
    query: { cluster?: string; name?: string; from?: number },
  ): Promise<{ vms: MiniVm[]; next?: number }> {
    const isLaterPage = (query.from ?? 0) > 0
    return this.#run({ ...caller, isLaterPage }, false, () => {
      const { cluster, name, from = 0 } = query
      const all = [...this.vms.values()].filter(
        (vm) =>
          this.#isShown(vm) &&
          (cluster === undefined || vm.cluster === cluster) &&
          (name === undefined || vm.name === name),
      )
      const end = from + this.pageSize
      return { vms: all.slice(from, end), ...(end < all.length && { next: end }) }
    })
  }

  get(caller: MiniCaller, id: string): Promise<MiniVm> {
    return this.#run(caller, false, () => {
      const vm = this.vms.get(id)
      if (vm && this.#isShown(vm)) return vm
      throw new MiniCloudError(404, `there is no VM ${id}`)
    })
  }

  /** Ends VMs that fit. Writes know better than looks. */
  remove(caller: MiniCaller, fits: (vm: MiniVm) => boolean): Promise<number> {
    return this.#run(caller, true, () => {
      const ending = this.living().filter(fits)
      for (const vm of ending) vm.shownUntil = this.#now + this.lagSeconds
      return ending.length
    })
  }

  initialize(caller: MiniCaller, fits: (vm: MiniVm) => boolean): Promise<MiniVm> {
    return this.#run(caller, true, () => {
      const vm = this.living().find(fits)
      if (!vm) throw new MiniCloudError(404, 'there is no such VM')
      vm.initialized = true
      return vm
    })
  }

  /** The VMs that have not been ended. */
  living(): MiniVm[] {
    return [...this.vms.values()].filter((vm) => vm.shownUntil === Number.POSITIVE_INFINITY)
  }

  /** What the conformance kit may do to this cloud. */
  hooks(): Hooks {
    return {
      fault: async (fault) => void this.#faults.push(fault),
      clearFaults: async () => {
        this.#faults = []
      },
      vms: async () => this.living().map(({ name }) => name),
      userDataSha256: async (machine) => {
        const vm = this.living().find(({ name }) => name === machine)
        return createHash('sha256')
          .update(vm?.userData ?? 'no VM')
          .digest('hex')
      },
      duplicate: async (machine) => {
        const vm = this.living().find(({ name }) => name === machine)
        this.#ids += 1
        if (vm)
          this.vms.set(`i-${this.#ids}`, { ...vm, id: `i-${this.#ids}`, token: randomUUID(), shownFrom: this.#now })
      },
      countCalls: async () => this.calls,
      ...(this.lagSeconds > 0 && {
        advanceClock: async (seconds: number) => {
          this.#now += seconds
        },
      }),
    }
  }

  #isShown({ shownFrom, shownUntil }: MiniVm): boolean {
    return shownFrom <= this.#now && this.#now < shownUntil
  }

  async #run<T>(caller: MiniCaller, isChange: boolean, execute: () => T): Promise<T> {
    this.calls += 1
    for (let i = 0; i < this.turns; i++) await turn()
    caller.signal.throwIfAborted()
    if (!/^mini:\w+$/.test(caller.credential)) throw new MiniCloudError(401, 'the credential is not valid')
    const fault = this.#faults.find(
      ({ kind, method, machine }) =>
        method === caller.method &&
        (machine === undefined || machine === caller.machine) &&
        (kind !== 'laterPage' || caller.isLaterPage),
    )
    if (fault?.kind !== 'resetAfterExecution') await suffer(fault, caller.signal)
    const result = execute()
    if (fault?.kind === 'resetAfterExecution' && isChange) throw new MiniCloudError('reset', 'the connection was reset')
    return result
  }
}

async function suffer(fault: Fault | undefined, signal: AbortSignal): Promise<void> {
  switch (fault?.kind) {
    case 'throttled':
      throw new MiniCloudError(429, 'too many requests')
    case 'outOfCapacity':
      throw new MiniCloudError(507, 'no capacity')
    case 'unauthorised':
      throw new MiniCloudError(401, 'the credential is not valid any more')
    case 'timeout':
      throw new MiniCloudError(408, 'the request took too long')
    case 'serverError':
    case 'laterPage':
      throw new MiniCloudError(503, 'the service is down')
    case 'hang':
      return await new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
      )
  }
}
