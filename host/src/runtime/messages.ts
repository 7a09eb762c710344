import type { JsonObject, MachineErrorOptions, SecretKeys } from '@mcm/sdk'
import type { DriverMethod, PluginRequest } from '@mcm/sdk/contract'

/**
 * What host and plugin process say to each other. Private to the host: it brings both ends, so this may change with
 * every release. What a plugin package promises is only the shape of its definition.
 */

/** From the host to the plugin. */
export type HostMessage =
  /** First and once: loads the package. */
  | { type: 'start'; nonce: string; entry: string; isLinted: boolean; maxAnswerBytes: number }
  | { type: 'call'; id: number; method: DriverMethod; request: PluginRequest; deadlineMs: number }
  | { type: 'cancel'; id: number; reason: CancelReason }
  /** Asks for a sign of life. */
  | { type: 'health'; id: number }
  /** Cancels what runs, and ends. */
  | { type: 'shutdown' }

/** From the plugin to the host. */
export type PluginMessage =
  /** First and once: the package was loaded, and this is what it is. The nonce is that of `start`. */
  | { type: 'hello'; nonce: string; hello: Hello }
  /** Instead of `hello`: the package cannot be loaded. */
  | { type: 'refused'; reason: string }
  /** At once for each call: the event loop turns. */
  | { type: 'ack'; id: number }
  /** At once for each `health`. */
  | { type: 'health'; id: number }
  | { type: 'answer'; id: number; response: unknown }
  | { type: 'error'; id: number; error: ErrorMessage }
  /** The plugin has sent a request to its cloud, and had an answer or none. */
  | ({ type: 'cloud-request' } & CloudRequest)
  | { type: 'log'; id?: number; level: LogLevel; message: string; fields?: Record<string, unknown> }

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
export type CancelReason = 'canceled' | 'deadline' | 'stopping'

/** One request that a plugin has sent to its cloud. */
export interface CloudRequest {
  /** What was asked for, as the plugin calls it. */
  service: string
  ms: number
  isFailure: boolean
}

/** What a plugin says about itself. */
export interface Hello {
  contract: number
  /** Version of the SDK that the plugin was built with; empty where it does not say. */
  sdkVersion: string
  provider: string
  aliases: string[]
  providerSpec: JsonObject
  secret: SecretKeys
  /** Implemented methods. */
  capabilities: DriverMethod[]
}

/** A MachineError on its way. */
export interface ErrorMessage {
  code: string
  message: string
  options: Omit<MachineErrorOptions, 'cause'>
  /** Stack and causes, for the host's log only. */
  trace: string
}
