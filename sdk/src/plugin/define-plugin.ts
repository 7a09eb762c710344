import type { Static, TSchema } from 'typebox'
import type { Violation } from '../errors/machine-error.ts'
import type { DriverCalls, DriverMethod } from '../model/driver.ts'
import type { ClassReference, JsonObject, Machine, MachineClass } from '../model/kubernetes.ts'
import { sdkVersion } from '../version.ts'
import type { CallContext } from './context.ts'
import type { SecretKeys, SecretReader } from './secret.ts'

/** The version of the driver contract that this SDK speaks; `mcm.contract` in a plugin's package.json names it. */
export const contractVersion = 1

/** What a plugin's method gets about one Machine. Everything in it is read-only. */
export interface MachineCall<Spec = JsonObject, Key extends string = string> {
  /** The Machine that the call is about. In a deletion it may hold no more than a name or a providerID. */
  machine: Machine
  /** Its class, with the defaults of the schema in `providerSpec`. */
  machineClass: MachineClass
  /** `machineClass.providerSpec`, valid by the plugin's schema, with its defaults filled in. */
  spec: Spec
  /** The keys of the Secret that the plugin named. */
  secret: SecretReader<Key>
}

/** What a plugin's method gets about one MachineClass. Everything in it is read-only. */
export type ClassCall<Spec = JsonObject, Key extends string = string> = Omit<MachineCall<Spec, Key>, 'machine'>

/**
 * The methods of a driver. Methods that are left out answer `Unimplemented` and do not show in the plugin's
 * capabilities. All must be safe to repeat. Failures are thrown, best as `MachineError`.
 *
 * Source: upstream's driver interface.
 */
export interface Driver<Spec = JsonObject, Key extends string = string> {
  /**
   * Makes the VM of a Machine and answers who it is. If the VM is there already, because an earlier answer got lost,
   * answers that one. After a failure nothing is left that a later `deleteMachine` would not find.
   *
   * Codes: `ResourceExhausted` for quota and capacity, `AlreadyExists` for a VM with other parameters,
   * `InvalidArgument` for what the schema cannot say.
   */
  createMachine(call: MachineCall<Spec, Key>, context: CallContext): Promise<DriverCalls['createMachine']['response']>
  /**
   * Removes the VM and all that was made with it. A VM that is gone already is a success. Never touches a VM that is
   * not of this cluster. `machine.spec.providerID` may be absent: then all VMs of that machine name go.
   */
  deleteMachine(
    call: MachineCall<Spec, Key>,
    context: CallContext,
    // biome-ignore lint/suspicious/noConfusingVoidType: an author who has nothing to answer need not write `return {}`
  ): Promise<DriverCalls['deleteMachine']['response'] | void>
  /**
   * Sets up a VM after its creation. Needs a `getMachineStatus` that answers `Uninitialized` until it is done, else it
   * is not repeated after a failure.
   */
  initializeMachine?(
    call: MachineCall<Spec, Key>,
    context: CallContext,
  ): Promise<DriverCalls['initializeMachine']['response']>
  /**
   * Finds the VM of a Machine; changes nothing. `NotFound` without one, `OutOfRange` with several, `Uninitialized`
   * (`MachineError.uninitialized`) for one that `initializeMachine` has yet to set up.
   */
  getMachineStatus?(
    call: MachineCall<Spec, Key>,
    context: CallContext,
  ): Promise<DriverCalls['getMachineStatus']['response']>
  /** All VMs of the cluster: machine name by providerID, in the very form that `createMachine` answered. */
  listMachines?(call: ClassCall<Spec, Key>, context: CallContext): Promise<DriverCalls['listMachines']['response']>
  /** The volume ids of those persistent-volume specs that are of this provider. Usually without asking the cloud. */
  getVolumeIDs?(
    call: { pvSpecs: readonly JsonObject[] },
    context: CallContext,
  ): Promise<DriverCalls['getVolumeIDs']['response']>
  /** Turns an old provider-specific class into a MachineClass. Today's controllers never call it. */
  generateMachineClassForMigration?(
    call: { providerSpecificMachineClass: JsonObject; machineClass: MachineClass; classSpec?: ClassReference },
    context: CallContext,
  ): Promise<DriverCalls['generateMachineClassForMigration']['response']>
}

// The schema alone says what a spec is. Without NoInfer the compiler also asks the methods, which takes it seconds.
type SpecOf<Spec extends TSchema> = NoInfer<Static<Spec>>

/** What {@link definePlugin} takes. */
export interface PluginDefinition<Spec extends TSchema, Keys extends SecretKeys>
  extends Driver<SpecOf<Spec>, keyof Keys & string> {
  /** The provider name: what `MachineClass.provider` says. Also in package.json, under `mcm.providers`. */
  provider: string
  /** Further names that it answers to. In package.json they follow the provider name. */
  aliases?: readonly string[]
  /**
   * JSON Schema of `MachineClass.providerSpec`, made with `Type`. The host checks every class against it before a
   * method runs and reports all violations at once. Properties that an object schema does not name are refused unless
   * it says otherwise with `additionalProperties`.
   */
  providerSpec: Spec
  /** The keys of the Secret that the plugin reads. */
  secret: Keys
  /**
   * Checks what a schema cannot say, such as rules over several fields or the form of a credential. Runs before each
   * method that gets a `spec` and in ValidateMachineClass. Returns all violations, with paths such as
   * `providerSpec.zone` and `secret.data.token`. Does not ask the cloud, and repeats no value of the Secret.
   *
   * `secret` is absent in a ValidateMachineClass without a Secret, or with one that lacks required keys. `method` is the
   * one that is to run, and `machine` the Machine that it is about, if it is about one: a class that has become invalid
   * need not keep its VMs from being deleted.
   */
  validate?(call: {
    method: DriverMethod
    machine?: Machine
    spec: SpecOf<Spec>
    machineClass: MachineClass
    secret?: SecretReader<keyof Keys & string>
  }): Violation[]
}

/** A plugin as the host loads it: the definition, marked so that every copy of the SDK recognises it. */
export type Plugin = PluginDefinition<TSchema, SecretKeys> & {
  readonly contract: number
  /** Version of the SDK that made it. Older copies do not say. */
  readonly sdkVersion?: string
}

/**
 * Defines a plugin: marks the definition, an object or an instance of a class, as one. The default export of a plugin's
 * entry is what this returns.
 *
 * @example
 * export default definePlugin({
 *   provider: 'Acme',
 *   providerSpec: Type.Object({ region: Type.String() }),
 *   secret: { token: 'required', userData: 'optional' },
 *   async createMachine({ machine, spec, secret }, { signal }) {
 *     const vm = await acme(secret.text('token')).create(spec.region, machine.metadata.name, { signal })
 *     return { providerID: `acme:///${spec.region}/${vm.id}`, nodeName: vm.hostname }
 *   },
 *   async deleteMachine({ machine, spec, secret }, { signal }) {
 *     await acme(secret.text('token')).remove(spec.region, machine.metadata.name, { signal })
 *   },
 * })
 */
export function definePlugin<const Spec extends TSchema, const Keys extends SecretKeys>(
  definition: PluginDefinition<Spec, Keys>,
): Plugin {
  // The same object, not a copy: a definition may be an instance of a class, with its methods on the prototype.
  const plugin = Object.assign(definition, { contract: contractVersion, sdkVersion, [brand]: true })
  // The host has checked `spec` and the secret's keys against the definition before it calls a method.
  return plugin as unknown as Plugin
}

/** Whether a value was made by {@link definePlugin}, of whichever copy of the SDK. */
export function isPlugin(value: unknown): value is Plugin {
  return typeof value === 'object' && value !== null && brand in value
}

const brand = Symbol.for('mcm.plugin')
