/**
 * Write a machine provider plugin for mcm. Everything here is for authors of plugins; what programs need that host plugins
 * or call the contract is in `@mcm/sdk/contract`.
 *
 * @module @mcm/sdk
 */

export type { MachineCode } from './errors/code.ts'
export {
  type ErrorSource,
  MachineError,
  type MachineErrorOptions,
  type RetryAdvice,
  type Violation,
} from './errors/machine-error.ts'
export type { DriverMethod, MachineVm } from './model/driver.ts'
export type {
  ClassReference,
  CurrentStatus,
  JsonObject,
  JsonValue,
  LastOperation,
  Machine,
  MachineClass,
  MachineSpec,
  MachineStatus,
  NodeAddress,
  NodeCondition,
  ObjectMeta,
  OwnerReference,
  Secret,
  SecretReference,
} from './model/kubernetes.ts'
export { deterministicUuid, idOfProviderID, isDnsLabel, isDnsSubdomain, providerID } from './naming/naming.ts'
export type { CallContext, Logger } from './plugin/context.ts'
export {
  type ClassCall,
  contractVersion,
  type Driver,
  definePlugin,
  type MachineCall,
  type Plugin,
  type PluginDefinition,
} from './plugin/define-plugin.ts'
export { type SecretKey, type SecretKeys, type SecretReader, secretReader } from './plugin/secret.ts'
export { type Static, type TSchema, Type } from './typebox.ts'
export { type RetryOptions, retry } from './wait/retry.ts'
export { sleep, untilAborted, type WaitOptions, waitFor } from './wait/wait.ts'
