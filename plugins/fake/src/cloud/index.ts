/**
 * The simulated cloud without its driver: for tests and demonstrations.
 *
 * @packageDocumentation
 */

export { catalog } from './catalog.ts'
export { CloudClient, connectCloud, type InstanceQuery, type InstanceTarget } from './client.ts'
export { CloudControl, controlCloud } from './control.ts'
export { credentialOf } from './credential.ts'
export { defaultEndpoint } from './endpoint.ts'
export { CloudError, type CloudErrorCode, cloudErrors } from './error.ts'
export type { Fault } from './fault.ts'
export type { Instance, InstanceRequest, InstanceState } from './instance.ts'
export type { Caller, Operation, OperationOptions } from './operation.ts'
export { differencesOf } from './request.ts'
export { defaultSettings, type Quota, type Settings } from './settings.ts'
