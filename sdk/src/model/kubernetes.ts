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
  apiVersion?: string
  kind?: string
  metadata: ObjectMeta
  spec: MachineSpec
  status?: MachineStatus
}

/** Kubernetes object metadata. Times are RFC 3339. */
export interface ObjectMeta {
  /** Empty only in a synthetic Machine of orphan collection. */
  name: string
  /** Empty when unset. */
  namespace: string
  generateName?: string
  selfLink?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  deletionGracePeriodSeconds?: number
  labels?: Record<string, string>
  annotations?: Record<string, string>
  ownerReferences?: OwnerReference[]
  finalizers?: string[]
  managedFields?: JsonObject[]
}

/** A reference to an owning object. */
export interface OwnerReference {
  apiVersion?: string
  kind?: string
  name?: string
  uid?: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

/** The wished state of a Machine. Durations are Go texts such as `20m`. */
export interface MachineSpec {
  class?: ClassReference
  /** Identity of the VM once CreateMachine's answer has been stored. */
  providerID?: string
  /** Metadata and spec wished for the Node. */
  nodeTemplate?: JsonObject
  drainTimeout?: string
  healthTimeout?: string
  creationTimeout?: string
  inPlaceUpdateTimeout?: string
  disableHealthTimeout?: boolean
  machinePreserveTimeout?: string
  maxEvictRetries?: number
  nodeConditions?: string
}

/** A reference to a machine class. */
export interface ClassReference {
  apiGroup?: string
  kind?: string
  name?: string
}

/** The observed state of a Machine. */
export interface MachineStatus {
  addresses?: NodeAddress[]
  conditions?: NodeCondition[]
  lastOperation?: LastOperation
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
  address: string
}

/** One condition of a Node. */
export interface NodeCondition {
  type?: string
  status?: string
  lastHeartbeatTime?: string
  lastTransitionTime?: string
  reason?: string
  message?: string
}

/** The last operation on a Machine. */
export interface LastOperation {
  description?: string
  errorCode?: string
  lastUpdateTime?: string
  state?: string
  type?: string
}

/** The phase of a Machine. */
export interface CurrentStatus {
  phase?: string
  timeoutActive?: boolean
  lastUpdateTime?: string
  preserveExpiryTime?: string
}

/** How VMs of one kind are built. */
export interface MachineClass {
  apiVersion?: string
  kind?: string
  metadata: ObjectMeta
  /** Size, region and zone that the cluster-autoscaler reads. */
  nodeTemplate?: JsonObject
  credentialsSecretRef?: SecretReference
  /** The plugin's own configuration; a plugin gets it validated and typed as `spec`. */
  providerSpec?: JsonObject
  /** Name of the provider; chooses the plugin. */
  provider?: string
  secretRef?: SecretReference
}

/** Where a Secret is. */
export interface SecretReference {
  name?: string
  namespace?: string
}

/** A Secret. Callers need to fill `data` only. */
export interface Secret {
  apiVersion?: string
  kind?: string
  metadata?: ObjectMeta
  data?: Record<string, Uint8Array>
  /** Values as text; each wins over the same key in `data`. */
  stringData?: Record<string, string>
  type?: string
  immutable?: boolean
}
