export type { CallOptions } from './call-options.ts'
export type { ConnectionOptions } from './connection.ts'
export type { DomainState } from './domain-state.ts'
export type { GuestInterface, MetadataTarget, UndefineOptions } from './domains.ts'
export { errorCode } from './error-codes.ts'
export {
  CallAbandoned,
  ConnectFailed,
  ConnectionLost,
  isLibvirtError,
  LibvirtError,
  ProtocolError,
  UploadSizeError,
} from './errors.ts'
export type { KeepaliveSettings } from './keepalive.ts'
export { Libvirt, openLibvirt } from './libvirt.ts'
export type { LifecycleEvent } from './lifecycle-event.ts'
export type { LifecycleWatch } from './lifecycle-watch.ts'
export type { DomainCapabilitiesQuery } from './node.ts'
export type { PoolInfo, PoolState } from './pools.ts'
export type { DomainRef, NetworkRef, PoolRef, VolumeRef } from './procedures.ts'
export type { Transport } from './transport.ts'
export type { UploadSource } from './upload.ts'
export { parseUri, type Target } from './uri.ts'
export type { VolumeInfo, VolumeType } from './volumes.ts'
