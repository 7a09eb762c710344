import { type CallContext, MachineError } from '@mcm/sdk'
import type { ProviderSpec } from '../provider-spec.ts'
import type { Libvirt } from '../rpc/index.ts'
import { readVolume } from '../xml/index.ts'
import type { LibvirtConnection } from './connection.ts'
import { fetchImage, findImage } from './fetch-image.ts'
import type { ReadyPool } from './pool.ts'
import { SharedWork } from './shared-work.ts'

/** An image that disks can be laid over. */
export interface BaseImage {
  readonly path: string
  readonly format: 'qcow2' | 'raw'
}

/** Finds the image of a class, or fetches it into the pool. */
export async function baseImage(
  libvirt: Libvirt,
  connection: LibvirtConnection,
  pool: ReadyPool,
  { image, pool: { name: poolName } }: Pick<ProviderSpec, 'image' | 'pool'>,
  { signal, logger }: Pick<CallContext, 'signal' | 'logger'>,
): Promise<BaseImage> {
  if ('path' in image) return { path: image.path, format: image.format ?? 'qcow2' }
  if ('volume' in image) return await volumeImage(libvirt, image.pool ?? poolName, image.volume)
  const { url, sha256, format = 'qcow2' } = image
  const present = await findImage(libvirt, pool.ref, sha256)
  if (present !== undefined) return { path: present, format }
  // Many machines of a new class come at once: one fetches, the others wait for it.
  const key = `${pool.ref.uuid} ${sha256}`
  let fetching = connection.fetches.get(key)
  if (!fetching || fetching.isAborted) {
    const started = new SharedWork(async (shared) => {
      try {
        // Not the first caller's view of libvirt, which ends with its call.
        return await fetchImage(await connection.use(shared), pool.ref, { url, sha256, format }, shared, logger)
      } finally {
        if (connection.fetches.get(key) === started) connection.fetches.delete(key)
      }
    })
    fetching = started
    connection.fetches.set(key, fetching)
  }
  return { path: await fetching.wait(signal), format }
}

async function volumeImage(libvirt: Libvirt, poolName: string, volume: string): Promise<BaseImage> {
  const pool = await libvirt.pools.findByName(poolName)
  const found = pool && (await libvirt.volumes.findByName(pool, volume))
  if (!found) throw unusable(`pool ${poolName} has no volume ${volume}`)
  const { path, format } = readVolume(await libvirt.volumes.xml(found))
  if (format !== 'qcow2' && format !== 'raw') throw unusable(`volume ${volume} is neither qcow2 nor raw, but ${format}`)
  return { path, format }
}

function unusable(message: string): MachineError {
  const violations = [{ path: 'providerSpec.image.volume', message }]
  return new MachineError('InvalidArgument', message, { reason: 'IMAGE_UNUSABLE', violations })
}
