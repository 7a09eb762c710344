/**
 * The Kubernetes objects of the driver contract, as plain objects in their Kubernetes JSON form. Only secret values
 * differ: they are bytes, not base64. What is not set is absent. Source: upstream's API group
 * `machine.sapcloud.io/v1alpha1` and Kubernetes core/v1.
 */

/** A JSON object of unknown shape. */
export type JsonObject = { [key: string]: JsonValue }

/** Any JSON value. */
export type JsonValue = string | number | boolean | null | JsonObject | JsonValue[]

/** The wish for one VM. Read-only for plugins. */
export interface Machine {
  /** Version of the Kubernetes API, `machine.sapcloud.io/v1alpha1`. */
  apiVersion?: string
  /** `Machine`. */
  kind?: string
  /** Its name, which the VM is found by, and its namespace. */
  metadata: ObjectMeta
  /** What is wished. */
  spec: MachineSpec
  /** What was seen of it last. Absent before anything was. */
  status?: MachineStatus
}

/** Kubernetes object metadata. Times are RFC 3339. */
export interface ObjectMeta {
  /** Empty only in a synthetic Machine of orphan collection. */
  name: string
  /** Empty when unset. */
  namespace: string
  /** What the name began with, where Kubernetes made it up. */
  generateName?: string
  /** Path of the object. No longer set by Kubernetes. */
  selfLink?: string
  /** Identity of the object. One that is made again under the same name has another. */
  uid?: string
  /** Changes with each write. */
  resourceVersion?: string
  /** Counts the changes of the wished state. */
  generation?: number
  /** When it was made. */
  creationTimestamp?: string
  /** When it was asked to go. Absent for an object that stays. */
  deletionTimestamp?: string
  /** Seconds that it has to go. */
  deletionGracePeriodSeconds?: number
  /** What selectors find it by. */
  labels?: Record<string, string>
  /** Notes of tools and people. */
  annotations?: Record<string, string>
  /** The objects that it belongs to. */
  ownerReferences?: OwnerReference[]
  /** Who has to let it go before it does. */
  finalizers?: string[]
  /** Who has set which field. */
  managedFields?: JsonObject[]
}

/** A reference to an owning object. */
export interface OwnerReference {
  /** Version of the owner's API. */
  apiVersion?: string
  /** Kind of the owner, for example `MachineSet`. */
  kind?: string
  /** Name of the owner, in the same namespace. */
  name?: string
  /** Identity of the owner. */
  uid?: string
  /** Whether it is the one owner that manages the object. */
  controller?: boolean
  /** Whether a foreground deletion of the owner waits for the object. */
  blockOwnerDeletion?: boolean
}

/** The wished state of a Machine. Durations are Go texts such as `20m`. */
export interface MachineSpec {
  /** The class that the VM is made by. */
  class?: ClassReference
  /** Identity of the VM once CreateMachine's answer has been stored. */
  providerID?: string
  /** Metadata and spec wished for the Node. */
  nodeTemplate?: JsonObject
  /** How long a drain may take before the deletion is forced. */
  drainTimeout?: string
  /** How long a Node may be unhealthy before the Machine is replaced. */
  healthTimeout?: string
  /** How long the VM has to become a Node before the Machine has failed. */
  creationTimeout?: string
  /** How long an update in place may take. */
  inPlaceUpdateTimeout?: string
  /** `true` switches the health time-out off. */
  disableHealthTimeout?: boolean
  /** How long a preserved Machine is kept. */
  machinePreserveTimeout?: string
  /** How often the eviction of one pod is tried. */
  maxEvictRetries?: number
  /** Conditions that make a Node unhealthy, between commas. */
  nodeConditions?: string
}

/** A reference to a machine class. */
export interface ClassReference {
  /** API group, `machine.sapcloud.io`. */
  apiGroup?: string
  /** `MachineClass`. */
  kind?: string
  /** Name of the class, in the namespace of the Machine. */
  name?: string
}

/** The observed state of a Machine. */
export interface MachineStatus {
  /** Addresses of the VM. */
  addresses?: NodeAddress[]
  /** Conditions of its Node. */
  conditions?: NodeCondition[]
  /** What was done last, and how it went. */
  lastOperation?: LastOperation
  /** Where it is in its life. */
  currentStatus?: CurrentStatus
  /** What the plugin returned to resume from. */
  lastKnownState?: string
  /** Name of the Node; written by old releases, which had no label for it. */
  node?: string
}

/** One address of a VM or Node. */
export interface NodeAddress {
  /** `Hostname`, `InternalIP`, `ExternalIP`, `InternalDNS` or `ExternalDNS`. */
  type: string
  /** The address: an IP address or a name. */
  address: string
}

/** One condition of a Node. */
export interface NodeCondition {
  /** What it is about, for example `Ready`. */
  type?: string
  /** `True`, `False` or `Unknown`. */
  status?: string
  /** When it was last reported, in RFC 3339. */
  lastHeartbeatTime?: string
  /** When the status last changed, in RFC 3339. */
  lastTransitionTime?: string
  /** One word for programs. */
  reason?: string
  /** A text for people. */
  message?: string
}

/** The last operation on a Machine. */
export interface LastOperation {
  /** What was done, for people. */
  description?: string
  /** Name of the machine code of a creation that failed. */
  errorCode?: string
  /** When this was written, in RFC 3339. */
  lastUpdateTime?: string
  /** `Processing`, `Failed` or `Successful`. */
  state?: string
  /** `Create`, `InPlaceUpdate`, `DrainNode`, `HealthCheck` or `Delete`. */
  type?: string
}

/** The phase of a Machine. */
export interface CurrentStatus {
  /** For example `Pending`, `Running`, `Terminating` or `Failed`. */
  phase?: string
  /** Whether a time-out counts for the Machine. */
  timeoutActive?: boolean
  /** When the phase last changed, in RFC 3339. */
  lastUpdateTime?: string
  /** Until when a preserved Machine stays, in RFC 3339. */
  preserveExpiryTime?: string
}

/** How VMs of one kind are built. */
export interface MachineClass {
  /** Version of the Kubernetes API, `machine.sapcloud.io/v1alpha1`. */
  apiVersion?: string
  /** `MachineClass`. */
  kind?: string
  /** Its name and namespace. */
  metadata: ObjectMeta
  /** Size, region and zone that the cluster-autoscaler reads. */
  nodeTemplate?: JsonObject
  /** Secret with the credentials; wins over `secretRef` where keys are equal. */
  credentialsSecretRef?: SecretReference
  /** The plugin's own configuration; a plugin gets it validated and typed as `spec`. */
  providerSpec?: JsonObject
  /** Name of the provider; chooses the plugin. */
  provider?: string
  /** Secret with the user data, and with credentials where `credentialsSecretRef` has none. */
  secretRef?: SecretReference
}

/** Where a Secret is. */
export interface SecretReference {
  /** Name of the Secret. */
  name?: string
  /** Namespace of the Secret. */
  namespace?: string
}

/** A Secret. Callers need to fill `data` only. */
export interface Secret {
  /** Version of the Kubernetes API, `v1`. */
  apiVersion?: string
  /** `Secret`. */
  kind?: string
  /** Its name and namespace. */
  metadata?: ObjectMeta
  /** Values as bytes, not base64. */
  data?: Record<string, Uint8Array>
  /** Values as text; each wins over the same key in `data`. */
  stringData?: Record<string, string>
  /** What it is for, for example `Opaque`. */
  type?: string
  /** Whether Kubernetes refuses to change it. */
  immutable?: boolean
}
