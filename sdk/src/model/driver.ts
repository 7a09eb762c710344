import type { Violation } from '../errors/machine-error.ts'
import type { ClassReference, JsonObject, Machine, MachineClass, NodeAddress, Secret } from './kubernetes.ts'

/** A VM, as CreateMachine, InitializeMachine and GetMachineStatus answer it. */
export interface MachineVm {
  /** Identity of the VM; equals the Node's `spec.providerID`. Never empty. Convention: `<provider>://<scope>/<id>`. */
  providerID: string
  /** Name under which the VM registers as a Node. Never empty. */
  nodeName: string
  /** Addresses, where known. */
  addresses?: NodeAddress[]
}

/** What a call about one Machine is given. */
export interface MachineRequest {
  /** The Machine that the call is about. */
  machine: Machine
  /** Its class. */
  machineClass: MachineClass
  /** The Secret of the class: credentials and user data. */
  secret?: Secret
}

/** What a call about one MachineClass is given. */
export interface ClassRequest {
  /** The class that the call is about. */
  machineClass: MachineClass
  /** Its Secret: credentials and user data. */
  secret?: Secret
}

/** Requests and responses of the driver contract by method, as plain objects. */
export interface DriverCalls {
  createMachine: { request: MachineRequest; response: MachineVm & { lastKnownState?: string } }
  initializeMachine: { request: MachineRequest; response: Partial<MachineVm> }
  deleteMachine: { request: MachineRequest; response: { lastKnownState?: string } }
  getMachineStatus: { request: MachineRequest; response: MachineVm }
  listMachines: { request: ClassRequest; response: { machineList: Record<string, string> } }
  getVolumeIDs: {
    request: { pvSpecs: JsonObject[]; machineClass?: MachineClass; provider?: string }
    response: { volumeIDs: string[] }
  }
  generateMachineClassForMigration: {
    request: { providerSpecificMachineClass: JsonObject; machineClass: MachineClass; classSpec?: ClassReference }
    response: { machineClass: MachineClass }
  }
  validateMachineClass: { request: ClassRequest; response: { violations: Violation[] } }
}

/** Name of a method of the driver contract. */
export type DriverMethod = keyof DriverCalls

/** What a caller of the contract says about one call. */
export interface CallOptions {
  /** Cancels the call. */
  signal?: AbortSignal
  /** When the caller stops waiting, in milliseconds since the epoch. The host sets one where it is absent. */
  deadlineMs?: number
  /** Names the call in the host's log and its plugin's lines: up to 128 printable characters. Default: random. */
  requestId?: string
}

/**
 * The driver contract as its callers see it, in the same process or over gRPC. Each method rejects with a
 * `MachineError` and with nothing else.
 */
export type DriverClient = {
  [M in DriverMethod]: (
    request: DriverCalls[M]['request'],
    options?: CallOptions,
  ) => Promise<DriverCalls[M]['response']>
}
