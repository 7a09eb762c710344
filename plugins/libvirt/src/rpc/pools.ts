import type { CallOptions } from './call-options.ts'
import { type Caller, orUndefined } from './caller.ts'
import { type PoolRef, procedures, type VolumeRef } from './procedures.ts'

export type PoolState = 'inactive' | 'building' | 'running' | 'degraded' | 'inaccessible' | 'unknown'

export interface PoolInfo {
  readonly state: PoolState
  readonly capacityBytes: number
  readonly allocatedBytes: number
  readonly availableBytes: number
}

/** Places where disks live, for us folders. */
export class Pools {
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  /** All pools, running or not. */
  async list(options?: CallOptions): Promise<PoolRef[]> {
    const { pools } = await this.#caller.call(
      procedures.connectListAllStoragePools,
      { needResults: 1, flags: 0 },
      options,
    )
    return pools
  }

  /** `undefined` when there is none. */
  findByName(name: string, options?: CallOptions): Promise<PoolRef | undefined> {
    return orUndefined(this.lookupByName(name, options))
  }

  /** Rejects with `errorCode.noStoragePool` when there is none. */
  async lookupByName(name: string, options?: CallOptions): Promise<PoolRef> {
    const { pool } = await this.#caller.call(procedures.storagePoolLookupByName, { name }, options)
    return pool
  }

  /** Stores a definition. Before use it has to be started, and built if its folder may be missing. */
  async define(xml: string, options?: CallOptions): Promise<PoolRef> {
    const { pool } = await this.#caller.call(procedures.storagePoolDefineXml, { xml, flags: 0 }, options)
    return pool
  }

  /** Creates the folder. One that exists already is left as it is. */
  async build(pool: PoolRef, options?: CallOptions): Promise<void> {
    await this.#caller.call(procedures.storagePoolBuild, { pool, flags: 0 }, options)
  }

  /** `errorCode.operationInvalid` when it runs already. */
  async start(pool: PoolRef, options?: CallOptions): Promise<void> {
    await this.#caller.call(procedures.storagePoolCreate, { pool, flags: 0 }, options)
  }

  async setAutostart(pool: PoolRef, autostart: boolean, options?: CallOptions): Promise<void> {
    await this.#caller.call(procedures.storagePoolSetAutostart, { pool, autostart }, options)
  }

  /** Stops it. The folder and its files stay. */
  async stop(pool: PoolRef, options?: CallOptions): Promise<void> {
    await this.#caller.call(procedures.storagePoolDestroy, { pool }, options)
  }

  /** Forgets it. The folder and its files stay. */
  async undefine(pool: PoolRef, options?: CallOptions): Promise<void> {
    await this.#caller.call(procedures.storagePoolUndefine, { pool }, options)
  }

  /** Reads the folder again: libvirt does not notice files that others put there. */
  async refresh(pool: PoolRef, options?: CallOptions): Promise<void> {
    await this.#caller.call(procedures.storagePoolRefresh, { pool, flags: 0 }, options)
  }

  async info(pool: PoolRef, options?: CallOptions): Promise<PoolInfo> {
    const info = await this.#caller.call(procedures.storagePoolGetInfo, { pool }, options)
    return {
      state: poolStates[info.state] ?? 'unknown',
      capacityBytes: info.capacity,
      allocatedBytes: info.allocation,
      availableBytes: info.available,
    }
  }

  async xml(pool: PoolRef, options?: CallOptions): Promise<string> {
    const { xml } = await this.#caller.call(procedures.storagePoolGetXml, { pool, flags: 0 }, options)
    return xml
  }

  /** What the pool holds, as of its last refresh. `errorCode.operationInvalid` when it does not run. */
  async listVolumes(pool: PoolRef, options?: CallOptions): Promise<VolumeRef[]> {
    const args = { pool, needResults: 1, flags: 0 }
    const { volumes } = await this.#caller.call(procedures.storagePoolListAllVolumes, args, options)
    return volumes
  }
}

const poolStates = ['inactive', 'building', 'running', 'degraded', 'inaccessible'] as const
