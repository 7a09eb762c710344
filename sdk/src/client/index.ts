/**
 * A gRPC client of the driver contract. Needs `@grpc/grpc-js` beside this package.
 *
 * @module @mcm/sdk/client
 */
export { type ConnectedDriver, type ConnectOptions, connectDriver, type TlsIdentity } from './driver-client.ts'
