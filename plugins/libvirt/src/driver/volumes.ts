import { waitFor } from '@mcm/sdk'
import {
  errorCode,
  isLibvirtError,
  type Libvirt,
  type LibvirtError,
  type PoolRef,
  type VolumeRef,
} from '../rpc/index.ts'

/** Deletes a volume. Gone already is a success. */
export async function deleteVolume(libvirt: Libvirt, volume: VolumeRef): Promise<void> {
  try {
    await libvirt.volumes.delete(volume)
  } catch (error) {
    if (!isLibvirtError(error, errorCode.noStorageVolume)) throw error
  }
}

/**
 * The volume with this name, which is made if it is not there. It may be half made: by a call that was killed, or that
 * got here first. Its maker has ended in any case.
 */
export async function ensureVolume(
  libvirt: Libvirt,
  pool: PoolRef,
  { name, xml }: { name: string; xml: string },
  signal: AbortSignal,
): Promise<{ volume: VolumeRef; isNew: boolean }> {
  try {
    return { volume: await libvirt.volumes.create(pool, xml), isNew: true }
  } catch (error) {
    if (!isTaken(error)) throw error
  }
  await refreshPool(libvirt, pool, signal)
  const volume = await libvirt.volumes.findByName(pool, name)
  // Deleted meanwhile.
  return volume ? { volume, isNew: false } : { volume: await libvirt.volumes.create(pool, xml), isNew: true }
}

/**
 * Makes libvirt look at the files anew: it does not notice what others made, and after a volume that is being made has
 * failed or its maker was killed, it does not know how far that got. libvirt refuses while any volume of the pool is
 * being made, which for other machines happens all the time; so this also waits until nobody makes one.
 */
export async function refreshPool(libvirt: Libvirt, pool: PoolRef, signal: AbortSignal): Promise<void> {
  let refusal: LibvirtError | undefined
  const look = async () => {
    try {
      await libvirt.pools.refresh(pool)
      return true
    } catch (error) {
      if (!isLibvirtError(error, errorCode.internalError)) throw error
      refusal = error
      return undefined
    }
  }
  try {
    const what = 'a moment in which libvirt makes no volume'
    await waitFor(look, { signal, what, intervalMs: 20, maxIntervalMs: 500, timeoutMs: refreshMs })
  } catch (error) {
    signal.throwIfAborted()
    throw refusal ?? error
  }
}

/** libvirt knows the volume, or finds a file of this name that it did not know. */
function isTaken(error: unknown): boolean {
  if (isLibvirtError(error, errorCode.storageVolumeExists)) return true
  return isLibvirtError(error, errorCode.systemError) && /file exists/i.test(error.detail)
}

const refreshMs = 60_000
