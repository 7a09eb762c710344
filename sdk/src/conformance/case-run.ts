import { isDeepStrictEqual } from 'node:util'
import { driverMethods } from '../contract/methods.ts'
import { MachineError } from '../errors/machine-error.ts'
import type {
  CallOptions,
  ClassRequest,
  DriverCalls,
  DriverClient,
  DriverMethod,
  MachineRequest,
  MachineVm,
} from '../model/driver.ts'
import type { Machine } from '../model/kubernetes.ts'
import { sleep } from '../wait/wait.ts'
import type { Need } from './case.ts'
import { CaseFailure, fail, type Outcome, outcomeOf } from './check.ts'
import { type Fault, HookError, type Hooks } from './hooks.ts'
import { Journal } from './journal.ts'
import { busyCodes, busyPauseMs, MadeMachines } from './made-machines.ts'
import { patientCall } from './patient-call.ts'
import type { ClassAndSecret, ConformanceSetup } from './setup.ts'
import type { Target, TargetDescription } from './target.ts'

/** What all cases of a run share. */
export interface RunContext {
  target: Target
  setup: ConformanceSetup
  hooks: Hooks
  description: TargetDescription | undefined
  /** What the target and the configuration have, so that cases may use it. */
  available: ReadonlySet<Need>
  requiredSecretKeys: readonly string[]
  /** Part of all machine names, so that runs do not meet. */
  runId: string
}

/** What differs from the usual in a request about a machine. */
export interface RequestChanges {
  name?: string
  of?: ClassAndSecret
  providerID?: string
  /** Of the Secret; `null` takes a key away. */
  secretData?: Record<string, Uint8Array | null>
  machine?: Partial<Machine>
}

/** One run of one case: the driver, what to ask it with, and what has to be cleaned up afterwards. */
export class CaseRun {
  /** The driver. Calls have a deadline, are written down, and what they make is deleted after the case. */
  readonly driver: DriverClient
  readonly signal: AbortSignal
  readonly journal = new Journal()
  readonly #context: RunContext
  readonly #id: string
  readonly #made = new MadeMachines()
  #names = 0
  #hasFaults = false

  constructor(context: RunContext, id: string, signal: AbortSignal) {
    this.#context = context
    this.#id = id
    this.signal = signal
    const call =
      <M extends DriverMethod>(method: M) =>
      (request: DriverCalls[M]['request'], options?: CallOptions) =>
        this.#call(method, request, signal, options)
    // One function for each method, with the types of the contract.
    this.driver = Object.fromEntries(driverMethods.map((method) => [method, call(method)])) as DriverClient
  }

  /** What the driver is judged with. */
  get setup(): ConformanceSetup {
    return this.#context.setup
  }

  /** Where the driver is. */
  get target(): Target {
    return this.#context.target
  }

  /** What the endpoint says that it is; absent where it says nothing. */
  get description(): TargetDescription | undefined {
    return this.#context.description
  }

  /** Keys of the Secret without which nothing works. */
  get requiredSecretKeys(): readonly string[] {
    return this.#context.requiredSecretKeys
  }

  /** Whether driver, configuration and hooks have something. */
  has(need: Need): boolean {
    return this.#context.available.has(need)
  }

  /** A valid machine name that nobody else has. */
  name(suffix = ''): string {
    this.#names += 1
    return `c${this.#context.runId}-${this.#id}-${this.#names}${suffix}`
  }

  /** A request about a machine, by default a new one of the usual class. */
  request(changes: RequestChanges = {}): MachineRequest {
    const { of = this.setup.main, providerID, secretData, machine } = changes
    const name = changes.name ?? this.name()
    const { namespace } = of.machineClass.metadata
    return {
      machine: {
        metadata: { name, namespace: namespace || 'default', ...machine?.metadata },
        spec: {
          class: { kind: 'MachineClass', name: of.machineClass.metadata.name },
          ...(providerID !== undefined && { providerID }),
          ...machine?.spec,
        },
        ...(machine?.status && { status: machine.status }),
      },
      ...this.classRequest(of, secretData),
    }
  }

  /** A request about a class. */
  classRequest(of: ClassAndSecret = this.setup.main, secretData: RequestChanges['secretData'] = {}): ClassRequest {
    const texts = Object.entries(of.secret?.stringData ?? {}).map(([key, text]) => [key, Buffer.from(text)] as const)
    const data: Record<string, Uint8Array> = { ...of.secret?.data, ...Object.fromEntries(texts) }
    for (const [key, value] of Object.entries(secretData)) {
      if (value === null) delete data[key]
      else data[key] = value
    }
    return { machineClass: structuredClone(of.machineClass), secret: { data } }
  }

  /** The same machine, as it is stored once its identity is known. */
  known(request: MachineRequest, providerID: string): MachineRequest {
    return { ...request, machine: { ...request.machine, spec: { ...request.machine.spec, providerID } } }
  }

  /** Machine names by providerID, of one machine or of all. */
  async list(of?: ClassAndSecret): Promise<Map<string, string>> {
    const { machineList } = await this.driver.listMachines(this.classRequest(of))
    return new Map(Object.entries(machineList))
  }

  /**
   * Looks whether what should be so is so; `look` returns what is wrong. Where looks may lag, it looks again, after
   * having put the cloud's clock forward if it can.
   */
  async settled(look: () => Promise<string | undefined>): Promise<void> {
    const { settleSeconds } = this.setup.limits
    const untilMs = performance.now() + settleSeconds * 1000
    let problem = await look()
    if (problem !== undefined && (await this.#advance())) problem = await look()
    while (problem !== undefined && !this.hooks.advanceClock && performance.now() < untilMs) {
      await sleep(lookEveryMs, this.signal)
      problem = await look()
    }
    if (problem !== undefined) fail(problem)
  }

  /**
   * DeleteMachine; `NotFound` is accepted in place of OK. Where looks may lag, a driver may not find a new VM by its name
   * yet; so that is waited for.
   */
  async remove(request: MachineRequest): Promise<void> {
    if (!request.machine.spec.providerID) await this.#letLooksCatchUp(request)
    const outcome = await outcomeOf(this.driver.deleteMachine(request))
    if (outcome.kind === 'error' && outcome.error.code !== 'NotFound') throw outcome.error
  }

  /** GetMachineStatus as soon as looks show the VM. */
  async status(request: MachineRequest): Promise<Outcome<DriverCalls['getMachineStatus']['response']>> {
    let outcome: Outcome<DriverCalls['getMachineStatus']['response']> | undefined
    await this.settled(async () => {
      outcome = await outcomeOf(this.driver.getMachineStatus(request))
      const isMissing = outcome.kind === 'error' && outcome.error.code === 'NotFound'
      return isMissing ? `GetMachineStatus does not find the VM of ${request.machine.metadata.name}` : undefined
    })
    return outcome ?? fail('GetMachineStatus was not asked')
  }

  /** Fails unless there are so many VMs of a machine, by the cloud's word, or else by the driver's list. */
  async expectVms(request: MachineRequest, count: number, when: string): Promise<void> {
    const { name } = request.machine.metadata
    await this.settled(async () => {
      if (this.has('hooks.vms')) {
        const found = (await this.vms()).filter((vm) => vm === name).length
        return found === count ? undefined : `${when}: the cloud has ${found} VMs of Machine ${name}, not ${count}`
      }
      if (!this.has('listMachines')) return undefined
      const { machineList } = await this.driver.listMachines(this.#origin(request))
      const found = Object.values(machineList).filter((vm) => vm === name).length
      return found === count ? undefined : `${when}: ListMachines has ${found} VMs of Machine ${name}, not ${count}`
    })
  }

  /** The call as soon as the driver is free for it: it may still work on an earlier one, or heed its cloud. */
  async onceFree<T>(call: () => Promise<T>, withinSeconds = this.setup.limits.callSeconds): Promise<T> {
    const untilMs = performance.now() + withinSeconds * 1000
    while (true) {
      try {
        return await call()
      } catch (error) {
        const leftMs = untilMs - performance.now()
        if (!MachineError.is(error) || !busyCodes.has(error.code) || leftMs <= 0) throw error
        await sleep(Math.min(error.retryAfterMs ?? busyPauseMs, leftMs), this.signal)
      }
    }
  }

  /** The hooks of the author. Failures of theirs are `HookError`s. */
  get hooks(): Hooks {
    return this.#context.hooks
  }

  /** Machine names of the VMs that the cloud has. */
  async vms(): Promise<string[]> {
    return (await this.hooks.vms?.()) ?? fail('no hook shows the VMs of the cloud')
  }

  /** Makes a second VM of a machine, and lets looks see it. */
  async duplicate(request: MachineRequest): Promise<void> {
    if (!this.hooks.duplicate) throw new HookError('there is no hook for second VMs')
    // Under its name, so that both go after the case.
    this.#noteMade(request)
    await this.hooks.duplicate(request.machine.metadata.name)
    await this.expectVms(request, 2, 'after the hook made a second VM')
  }

  /** Lets the cloud make trouble while something is done. */
  async during<T>(fault: Fault, act: () => Promise<T>): Promise<T> {
    if (!this.hooks.fault) throw new HookError('there is no hook for faults')
    this.#hasFaults = true
    await this.hooks.fault(fault)
    try {
      return await act()
    } finally {
      await this.#clearFaults()
    }
  }

  /** Ends the driver's process and starts a new one. */
  async restart(): Promise<void> {
    if (this.hooks.restart) await this.hooks.restart()
    else await this.target.restart?.(this.signal)
  }

  /** Deletes everything that the case has made. Returns what it could not delete. */
  async cleanUp(signal: AbortSignal): Promise<string[]> {
    // Failures of the author's hooks show elsewhere; here the rest is to be deleted nevertheless.
    if (this.#hasFaults) await this.#clearFaults().catch(() => {})
    if (this.#made.hasNameless) await this.#advance().catch(() => {})
    const { limits } = this.setup
    const remove = async (request: MachineRequest) =>
      await patientCall(this.target.driver, 'deleteMachine', request, { signal, limits })
    return (await this.#made.deleteAll(remove, signal)).map((text) => this.journal.blackedOut(text))
  }

  #noteMade(request: MachineRequest): (providerID: string) => void {
    return this.#made.note({ machine: request.machine, ...this.#origin(request) })
  }

  /** Puts the cloud's clock forward by as much as looks may lag. Answers whether it could. */
  async #advance(): Promise<boolean> {
    const { settleSeconds } = this.setup.limits
    if (settleSeconds === 0 || !this.hooks.advanceClock) return false
    await this.hooks.advanceClock(settleSeconds)
    return true
  }

  async #letLooksCatchUp(request: MachineRequest): Promise<void> {
    const untilMs = performance.now() + this.setup.limits.settleSeconds * 1000
    if (await this.#advance()) return
    const { name } = request.machine.metadata
    while (this.has('listMachines') && performance.now() < untilMs) {
      const { machineList } = await this.driver.listMachines(this.#origin(request))
      if (Object.values(machineList).includes(name)) return
      await sleep(lookEveryMs, this.signal)
    }
  }

  async #clearFaults(): Promise<void> {
    this.#hasFaults = false
    await this.hooks.clearFaults?.()
  }

  async #call<M extends DriverMethod>(
    method: M,
    request: DriverCalls[M]['request'],
    signal: AbortSignal,
    options: CallOptions = {},
  ): Promise<DriverCalls[M]['response']> {
    const { limits } = this.setup
    const noteIdentity = method === 'createMachine' ? this.#noteMade(request as MachineRequest) : undefined
    const end = this.journal.begin(method, request)
    try {
      const signals = [signal, ...(options.signal ? [options.signal] : [])]
      const patience = { signal: AbortSignal.any(signals), deadlineMs: options.deadlineMs, limits }
      const answer = await patientCall(this.target.driver, method, request, patience)
      end({ answer })
      noteIdentity?.((answer as MachineVm).providerID)
      return answer
    } catch (error) {
      end({ error })
      // Ctrl-C is not the driver's failure.
      this.signal.throwIfAborted()
      // In the same process a driver could throw anything; behind a host it cannot.
      throw error instanceof CaseFailure ? error : MachineError.from(error)
    }
  }

  /** The class that a request was made of, with a Secret that works, whatever the case has sent. */
  #origin({ machineClass }: MachineRequest): ClassRequest {
    const { main, otherCluster, incompatible, uninitialized } = this.setup
    const all = [main, otherCluster, incompatible, uninitialized].filter((one) => one !== undefined)
    return this.classRequest(all.find((one) => isDeepStrictEqual(one.machineClass, machineClass)) ?? main)
  }
}

const lookEveryMs = 100
