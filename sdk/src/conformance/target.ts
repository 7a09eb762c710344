import type { DriverClient, DriverMethod } from '../model/driver.ts'

/** A driver that is judged: in this process, behind a host, or any gRPC endpoint. */
export interface Target {
  /** The driver. After a restart it is the new one. */
  readonly driver: DriverClient
  /** Where it is, for the report. */
  readonly place: string
  /** What it says of itself. Default: nothing; then its optional methods are asked. */
  describe?(provider: string, signal: AbortSignal): Promise<TargetDescription | undefined>
  /** Everything that it has printed so far, where that can be seen. */
  logLines?(): readonly string[]
  /** Ends the driver's process and starts a new one, where that is possible. */
  restart?(signal: AbortSignal): Promise<void>
}

/** What an endpoint says of the plugin that serves a provider. */
export interface TargetDescription {
  name: string
  version: string
  providers: readonly string[]
  capabilities: readonly DriverMethod[]
  /** Keys of the Secret that it needs. */
  requiredSecretKeys: readonly string[]
  /** What npm calls the integrity of the package: a digest of its files as they would be published. */
  integrity?: string
  /** Version of the SDK that it was built with, where known. */
  sdkVersion?: string
}
