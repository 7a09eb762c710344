/**
 * The driver contract, for programs that host plugins, or serve or call the contract. Plugins do not need it.
 *
 * @module @mcm/sdk/contract
 */
export { isMachineCode, MachineCodes, machineCodeOf } from '../errors/code.ts'
export { adviceFor } from '../errors/machine-error.ts'
export { type MethodCode, methodCodes } from '../errors/method-codes.ts'
export { balanceBrackets, formatStatusText, parseStatusText, type StatusText } from '../errors/status-text.ts'
export type {
  CallOptions,
  ClassRequest,
  DriverCalls,
  DriverClient,
  DriverMethod,
  MachineRequest,
} from '../model/driver.ts'
export { ClientCache, type ClientLease } from '../plugin/client-cache.ts'
export { isPlugin } from '../plugin/define-plugin.ts'
export { invokePlugin, type PluginRequest } from '../plugin/invoke-plugin.ts'
export { aliasesOf, isRequired } from '../plugin/secret.ts'
export { answerProblem } from './answer-problem.ts'
export {
  decodeError,
  encodeError,
  errorDetail,
  fittedErrorDetail,
  grpcCode,
  machineErrorFrom,
  statusDetailsTrailer,
  type WireStatus,
} from './error-detail.ts'
export { StatusSchema } from './gen/google/rpc/status_pb.ts'
export { Health, HealthCheckResponse_ServingStatus } from './gen/grpc/health/v1/health_pb.ts'
export {
  ServerReflection,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from './gen/grpc/reflection/v1/reflection_pb.ts'
export * from './gen/mcm/driver/v1/driver_pb.ts'
export * from './gen/mcm/driver/v1/error_pb.ts'
export * from './gen/mcm/driver/v1/kubernetes_pb.ts'
export * from './gen/mcm/driver/v1/plugins_pb.ts'
export {
  decodeRequest,
  driverMethods,
  methodName,
  requestFromPlain,
  requestToPlain,
  responseFromPlain,
  responseToPlain,
} from './methods.ts'
export { fromPlain, toPlain } from './plain.ts'
