/**
 * The wire half of the driver contract, for programs that serve or call it. Plugins do not need it.
 *
 * @packageDocumentation
 */
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
export { Health } from './gen/grpc/health/v1/health_pb.ts'
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
