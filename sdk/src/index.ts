/**
 * Write a machine provider plugin for mcm.
 *
 * @packageDocumentation
 */

// For authors of plugins.
export { type Static, type TSchema, Type } from 'typebox'
export type { MachineCode } from './errors/code.ts'
// For programs that host plugins or call the contract.
export { isMachineCode, MachineCodes, machineCodeOf } from './errors/code.ts'
export {
  adviceFor,
  type ErrorSource,
  MachineError,
  type MachineErrorOptions,
  type RetryAdvice,
  type Violation,
} from './errors/machine-error.ts'
export { type MethodCode, methodCodes } from './errors/method-codes.ts'
export { balanceBrackets, formatStatusText, parseStatusText, type StatusText } from './errors/status-text.ts'
export type {
  CallOptions,
  ClassRequest,
  DriverCalls,
  DriverClient,
  DriverMethod,
  MachineRequest,
  MachineVm,
} from './model/driver.ts'
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
  isPlugin,
  type MachineCall,
  type Plugin,
  type PluginDefinition,
} from './plugin/define-plugin.ts'
export type { SecretKey, SecretKeys, SecretReader } from './plugin/secret.ts'
export { aliasesOf, isRequired, secretReader } from './plugin/secret.ts'
export { sleep, type WaitOptions, waitFor } from './wait/wait.ts'
