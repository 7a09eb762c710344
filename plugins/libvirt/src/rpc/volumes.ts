import type { CallOptions } from './call-options.ts'
import { type Caller, orUndefined } from './caller.ts'
import { UploadSizeError } from './errors.ts'
import { type PoolRef, procedures, type VolumeRef } from './procedures.ts'
import { sendUpload, type UploadSource } from './upload.ts'

export type VolumeType = 'file' | 'block' | 'dir' | 'network' | 'netdir' | 'ploop' | 'unknown'

export interface VolumeInfo {
  readonly type: VolumeType
  /** What a guest sees. */
  readonly capacityBytes: number
  /** What it takes on the host. */
  readonly allocatedBytes: number
}

/** Disks, and files that become disks. */
export class Volumes {
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  /** `undefined` when there is none. */
  findByName(pool: PoolRef, name: string, options?: CallOptions): Promise<VolumeRef | undefined> {
    return orUndefined(this.lookupByName(pool, name, options))
  }

  /** `undefined` when no pool knows the path. */
  findByPath(path: string, options?: CallOptions): Promise<VolumeRef | undefined> {
    return orUndefined(this.lookupByPath(path, options))
  }

  /** Rejects with `errorCode.noStorageVolume` when there is none. */
  async lookupByName(pool: PoolRef, name: string, options?: CallOptions): Promise<VolumeRef> {
    const { volume } = await this.#caller.call(procedures.storageVolLookupByName, { pool, name }, options)
    return volume
  }

  async lookupByPath(path: string, options?: CallOptions): Promise<VolumeRef> {
    const { volume } = await this.#caller.call(procedures.storageVolLookupByPath, { path }, options)
    return volume
  }

  async lookupByKey(key: string, options?: CallOptions): Promise<VolumeRef> {
    const { volume } = await this.#caller.call(procedures.storageVolLookupByKey, { key }, options)
    return volume
  }

  /** `errorCode.storageVolumeExists` when the name is taken, `errorCode.systemError` when its base image is missing. */
  async create(pool: PoolRef, xml: string, options?: CallOptions): Promise<VolumeRef> {
    const { volume } = await this.#caller.call(procedures.storageVolCreateXml, { pool, xml, flags: 0 }, options)
    return volume
  }

  /** A full copy of another volume. */
  async createFrom(pool: PoolRef, xml: string, source: VolumeRef, options?: CallOptions): Promise<VolumeRef> {
    const args = { pool, xml, source, flags: 0 }
    const { volume } = await this.#caller.call(procedures.storageVolCreateXmlFrom, args, options)
    return volume
  }

  async delete(volume: VolumeRef, options?: CallOptions): Promise<void> {
    await this.#caller.call(procedures.storageVolDelete, { volume, flags: 0 }, options)
  }

  async info(volume: VolumeRef, options?: CallOptions): Promise<VolumeInfo> {
    const { type, capacity, allocation } = await this.#caller.call(procedures.storageVolGetInfo, { volume }, options)
    return { type: volumeTypes[type] ?? 'unknown', capacityBytes: capacity, allocatedBytes: allocation }
  }

  async path(volume: VolumeRef, options?: CallOptions): Promise<string> {
    const { path } = await this.#caller.call(procedures.storageVolGetPath, { volume }, options)
    return path
  }

  async xml(volume: VolumeRef, options?: CallOptions): Promise<string> {
    const { xml } = await this.#caller.call(procedures.storageVolGetXml, { volume, flags: 0 }, options)
    return xml
  }

  /**
   * Fills a raw volume from its start. Content that is larger than the volume, or not as long as it says, rejects with
   * `UploadSizeError`: libvirtd itself would take it. After any failure the content is undefined; delete the volume.
   */
  async upload(volume: VolumeRef, source: UploadSource, options?: CallOptions): Promise<void> {
    const { length } = source
    const { capacityBytes } = await this.info(volume, options)
    if (length > capacityBytes) {
      throw new UploadSizeError(`${length} bytes do not fit volume '${volume.name}' of ${capacityBytes} bytes`)
    }
    // libvirt reads a length of 0 as "no limit".
    if (length === 0) return
    const args = { volume, offset: 0, length, flags: 0 }
    const stream = await this.#caller.callWithStream(procedures.storageVolUpload, args, options)
    await sendUpload(stream, source, this.#caller.optionsWith(options))
  }
}

const volumeTypes = ['file', 'block', 'dir', 'network', 'netdir', 'ploop'] as const
