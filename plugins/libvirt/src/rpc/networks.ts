import type { CallOptions } from './call-options.ts'
import { type Caller, orUndefined } from './caller.ts'
import { type NetworkRef, procedures } from './procedures.ts'

/** Networks that libvirt runs on the host. */
export class Networks {
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  /** All networks, running or not. */
  async list(options?: CallOptions): Promise<NetworkRef[]> {
    const { networks } = await this.#caller.call(
      procedures.connectListAllNetworks,
      { needResults: 1, flags: 0 },
      options,
    )
    return networks
  }

  /** `undefined` when there is none. */
  findByName(name: string, options?: CallOptions): Promise<NetworkRef | undefined> {
    return orUndefined(this.lookupByName(name, options))
  }

  /** Rejects with `errorCode.noNetwork` when there is none. */
  async lookupByName(name: string, options?: CallOptions): Promise<NetworkRef> {
    const { network } = await this.#caller.call(procedures.networkLookupByName, { name }, options)
    return network
  }
}
