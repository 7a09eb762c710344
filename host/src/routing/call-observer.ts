import type { MachineError } from '@mcm/sdk'
import type { DriverMethod } from '@mcm/sdk/contract'

/** Hears of each call when it begins. What the functions return is called once, when it has ended. */
export interface CallObserver {
  /**
   * A caller has called the contract.
   *
   * @param provider The plugin's own name for the provider, `unknown` where no plugin serves it, or `''` where none is named.
   */
  callBegun(method: DriverMethod, provider: string): CallEnd
  /** The driver of a provider is asked, which a call to all providers does once for each. */
  driverAsked(method: DriverMethod, provider: string): CallEnd
}

/** @param error How it failed, if it did. */
export type CallEnd = (error?: MachineError) => void
