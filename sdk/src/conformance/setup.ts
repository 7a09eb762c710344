import type { JsonObject, JsonValue, MachineClass, Secret } from '../model/kubernetes.ts'
import type { Profile } from './case.ts'

/** What a driver is judged with: the configuration file, with everything read and filled in. */
export interface ConformanceSetup {
  profile: Profile
  /** Class of the machines that are made. */
  main: ClassAndSecret
  /** The same for another cluster, whose VMs must be left alone. */
  otherCluster?: ClassAndSecret
  /** A class of the same cluster with other parameters for the VM. */
  incompatible?: ClassAndSecret
  /** A class whose VMs need InitializeMachine. */
  uninitialized?: ClassAndSecret
  /** A class that is wrong, and the paths of all that is. Default: one whose top-level fields have the wrong kind. */
  invalid?: { class: ClassAndSecret; paths: readonly string[] }
  /** Keys of the Secret without which nothing works. Default: as the endpoint says, else all but `userData`. */
  requiredSecretKeys?: readonly string[]
  /** Persistent-volume specs. */
  volumes?: { known: readonly { spec: JsonObject; id: string }[]; unknown: readonly JsonObject[] }
  /** Where the contract leaves a choice: what the driver has chosen. */
  declares: Declarations
  limits: Limits
  /** Cases that are known to fail, with the reason. One that passes is an error: take it off the list. */
  knownFailures: Readonly<Record<string, string>>
}

/** A MachineClass, and the Secret that goes with it. */
export interface ClassAndSecret {
  machineClass: MachineClass
  secret?: Secret
}

/** What a driver has chosen where the contract leaves a choice. It is judged by that. */
export interface Declarations {
  /**
   * What becomes of providerSpec fields that the driver does not know. `ignored` is for drivers whose classes were
   * written for one that ignores them.
   */
  unknownFields: 'refused' | 'ignored'
  /** What user data may be. `text` is for clouds that have no room for other bytes than UTF-8. */
  userData: 'bytes' | 'text'
  /** The fewest bytes of user data that are taken. */
  userDataMinBytes: number
  /** Whether the cloud itself rules out two VMs of one machine name. */
  uniqueNames: boolean
}

/** Choices where the configuration names none. */
export const defaultDeclarations: Declarations = {
  unknownFields: 'refused',
  userData: 'bytes',
  userDataMinBytes: 0,
  uniqueNames: false,
}

/** How much, and how long. */
export interface Limits {
  /** How long each call may take. */
  callSeconds: number
  /** How long a driver may go on after a cancellation. */
  cancelSeconds: number
  /** How long a look may not show a change yet. */
  settleSeconds: number
  /** Calls at once, in cases about that. */
  atOnce: number
  /** Machines that are made to see the whole list. */
  listed: number
  /** How often a call is repeated, in cases about that. */
  repeats: number
  /** Bytes of user data that must be taken. */
  userDataBytes: number
}

/** Limits where the configuration names none. */
export const defaultLimits: Limits = {
  callSeconds: 60,
  cancelSeconds: 1,
  settleSeconds: 0,
  atOnce: 20,
  listed: 25,
  repeats: 10,
  userDataBytes: 64 * 1024,
}

/** JSON merge patch (RFC 7386): members replace members, `null` removes one. */
export function mergePatch(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (!isObject(patch)) return patch
  const merged: JsonObject = isObject(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else merged[key] = mergePatch(merged[key], value)
  }
  return merged
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
