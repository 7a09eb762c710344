import { type JsonObject, type MachineClass, MachineError, type MachineVm, type Secret, type Violation } from '@mcm/sdk'
import type { CallOptions, DriverCalls, DriverClient, DriverMethod } from '@mcm/sdk/contract'
import { type MiniCaller, type MiniCloud, MiniCloudError, type MiniVm } from './mini-cloud.ts'

type Request<M extends DriverMethod> = DriverCalls[M]['request']
type Answer<M extends DriverMethod> = Promise<DriverCalls[M]['response']>

/** A healthy driver of the tiny cloud. Its small methods are where mutants go wrong. */
export class MiniDriver implements DriverClient {
  readonly cloud: MiniCloud

  constructor(cloud: MiniCloud) {
    this.cloud = cloud
  }

  async createMachine(request: Request<'createMachine'>, options?: CallOptions): Answer<'createMachine'> {
    this.checkClass(request.machineClass)
    this.checkName(request.machine.metadata.name)
    return await this.inCloud('createMachine', request, options, async (caller) => {
      const { name } = request.machine.metadata
      const vm = await this.make(caller, request, name)
      this.log(`made ${vm.id} for ${name}`)
      return this.vmOf(vm)
    })
  }

  async make(caller: MiniCaller, { machine, machineClass, secret }: Request<'createMachine'>, name: string) {
    const { cluster, size, needsInitialization } = machineClass.providerSpec as JsonObject
    return await this.cloud.create(caller, {
      token: this.tokenOf(String(cluster), machine.metadata.name),
      name,
      cluster: String(cluster),
      size: String(size),
      userData: this.userDataOf(secret),
      initialized: needsInitialization !== true,
    })
  }

  async initializeMachine(request: Request<'initializeMachine'>, options?: CallOptions): Answer<'initializeMachine'> {
    this.checkClass(request.machineClass)
    return await this.inCloud('initializeMachine', request, options, async (caller) =>
      this.vmOf(await this.cloud.initialize(caller, this.fits(request))),
    )
  }

  async deleteMachine(request: Request<'deleteMachine'>, options?: CallOptions): Answer<'deleteMachine'> {
    this.checkClass(request.machineClass)
    return await this.inCloud('deleteMachine', request, options, async (caller) => {
      await this.cloud.remove(caller, this.fits(request))
      return {}
    })
  }

  async getMachineStatus(request: Request<'getMachineStatus'>, options?: CallOptions): Answer<'getMachineStatus'> {
    this.checkClass(request.machineClass)
    return await this.inCloud('getMachineStatus', request, options, async (caller) => {
      const found = (await this.all(caller, this.clusterOf(request.machineClass))).filter(this.fits(request))
      const vm = this.onlyOne(found)
      if (!vm) throw new MiniCloudError(404, `there is no VM of ${request.machine.metadata.name}`)
      if (!vm.initialized) throw MachineError.uninitialized(this.vmOf(vm))
      return this.vmOf(vm)
    })
  }

  onlyOne(vms: MiniVm[]): MiniVm | undefined {
    if (vms.length > 1) throw new MachineError('OutOfRange', `there are ${vms.length} VMs`)
    return vms[0]
  }

  async listMachines(request: Request<'listMachines'>, options?: CallOptions): Answer<'listMachines'> {
    this.checkClass(request.machineClass)
    return await this.inCloud('listMachines', request, options, async (caller) => {
      const vms = await this.all(caller, this.clusterOf(request.machineClass))
      return { machineList: Object.fromEntries(vms.map((vm) => [this.providerIDOf(vm), vm.name])) }
    })
  }

  async getVolumeIDs({ pvSpecs }: Request<'getVolumeIDs'>): Answer<'getVolumeIDs'> {
    return { volumeIDs: pvSpecs.flatMap((spec) => this.volumeIdOf(spec) ?? []) }
  }

  async generateMachineClassForMigration(): Answer<'generateMachineClassForMigration'> {
    throw new MachineError('Unimplemented', 'there is nothing to migrate')
  }

  async validateMachineClass({ machineClass }: Request<'validateMachineClass'>): Answer<'validateMachineClass'> {
    return { violations: this.violationsOf(machineClass.providerSpec ?? {}) }
  }

  checkClass({ provider, providerSpec = {} }: MachineClass): void {
    if (provider !== 'mini') throw new MachineError('InvalidArgument', `this is provider mini, not ${provider}`)
    const violations = this.violationsOf(providerSpec)
    if (violations.length === 0) return
    const text = violations.map(({ path, message }) => `${path} ${message}`).join(', ')
    throw new MachineError('InvalidArgument', `the class is not valid: ${text}`, { violations })
  }

  violationsOf(spec: JsonObject): Violation[] {
    const violations: Violation[] = []
    if (typeof spec.cluster !== 'string') violations.push({ path: 'providerSpec.cluster', message: 'must be a text' })
    if (spec.size !== 's' && spec.size !== 'm')
      violations.push({ path: 'providerSpec.size', message: 'must be s or m' })
    for (const key of Object.keys(spec)) {
      if (!['cluster', 'size', 'needsInitialization'].includes(key)) {
        violations.push({ path: `providerSpec.${key}`, message: 'is not known' })
      }
    }
    return violations
  }

  checkName(name: string): void {
    if (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name)) {
      throw new MachineError('InvalidArgument', `the machine name ${name} cannot be a host name`)
    }
  }

  credentialOf(secret: Secret | undefined): string {
    const value = secret?.data?.token
    if (value && value.length > 0) return Buffer.from(value).toString()
    throw new MachineError('InvalidArgument', 'the Secret lacks the key token', {
      violations: [{ path: 'secret.data.token', message: 'is required' }],
    })
  }

  userDataOf(secret: Secret | undefined): Uint8Array {
    return secret?.data?.userData ?? new Uint8Array()
  }

  clusterOf({ providerSpec }: MachineClass): string | undefined {
    return String(providerSpec?.cluster)
  }

  tokenOf(cluster: string, name: string): string {
    return `${cluster}/${name}`
  }

  providerIDOf({ id }: MiniVm): string {
    return `mini:///region/${id}`
  }

  vmOf(vm: MiniVm): MachineVm {
    return {
      providerID: this.providerIDOf(vm),
      nodeName: vm.name,
      addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
    }
  }

  /** Whether a VM is the one that a request is about. */
  fits({ machine, machineClass }: Request<'deleteMachine'>): (vm: MiniVm) => boolean {
    const { providerID } = machine.spec
    const { name } = machine.metadata
    const cluster = this.clusterOf(machineClass)
    return (vm) => vm.cluster === cluster && (providerID ? this.providerIDOf(vm) === providerID : vm.name === name)
  }

  async all(caller: MiniCaller, cluster: string | undefined): Promise<MiniVm[]> {
    const vms: MiniVm[] = []
    let from: number | undefined = 0
    while (from !== undefined) {
      const page: { vms: MiniVm[]; next?: number } = await this.cloud.list(caller, {
        ...(cluster !== undefined && { cluster }),
        from,
      })
      vms.push(...page.vms)
      from = page.next
    }
    return vms
  }

  volumeIdOf({ csi }: JsonObject): string | undefined {
    if (typeof csi !== 'object' || csi === null || Array.isArray(csi)) return undefined
    return csi.driver === 'csi.mini' && typeof csi.volumeHandle === 'string' && csi.volumeHandle !== ''
      ? csi.volumeHandle
      : undefined
  }

  log(line: string): void {
    this.cloud.log.push(line)
  }

  signalOf({ signal, deadlineMs }: CallOptions = {}): AbortSignal {
    const deadline = deadlineMs === undefined ? [] : [AbortSignal.timeout(Math.max(0, deadlineMs - Date.now()))]
    return AbortSignal.any([...(signal ? [signal] : []), ...deadline])
  }

  async inCloud<T>(
    method: DriverMethod,
    request: { machine?: Request<'deleteMachine'>['machine']; secret?: Secret },
    options: CallOptions | undefined,
    work: (caller: MiniCaller) => Promise<T>,
  ): Promise<T> {
    const credential = this.credentialOf(request.secret)
    const machine = request.machine?.metadata.name
    try {
      return await work({
        credential,
        method,
        signal: this.signalOf(options),
        ...(machine !== undefined && { machine }),
      })
    } catch (error) {
      throw error instanceof MiniCloudError ? this.errorOf(error) : MachineError.from(error)
    }
  }

  errorOf({ status, message }: MiniCloudError): MachineError {
    switch (status) {
      case 401:
        return new MachineError('Unauthenticated', message)
      case 404:
        return new MachineError('NotFound', message)
      case 408:
        return new MachineError('DeadlineExceeded', message)
      case 409:
        return new MachineError('AlreadyExists', message)
      case 429:
        return new MachineError('Unavailable', message, { reason: 'Throttled', retryAfterMs: 1 })
      case 507:
        return new MachineError('ResourceExhausted', message)
      case 503:
      case 'reset':
        return new MachineError('Unavailable', message)
      default:
        return status satisfies never
    }
  }
}
