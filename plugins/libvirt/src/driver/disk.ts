import { randomBytes } from 'node:crypto'
import { MachineError } from '@mcm/sdk'
import type { ProviderSpec } from '../provider-spec.ts'
import { errorCode, isLibvirtError, type Libvirt, type PoolRef, type VolumeRef } from '../rpc/index.ts'
import { type OverlayDefinition, overlayVolumeXml, readVolume } from '../xml/index.ts'
import { isOutOfRoom } from './errors.ts'
import { probeName } from './files.ts'
import type { BaseImage } from './image.ts'
import { deleteVolume, ensureVolume } from './volumes.ts'

/**
 * Makes the disk over its image, in its final size from the first moment. One that is there is kept, since it may hold
 * data; only one that never was whole is made anew.
 */
export async function ensureDisk(
  libvirt: Libvirt,
  pool: PoolRef,
  disk: OverlayDefinition,
  signal: AbortSignal,
): Promise<void> {
  const wanted = { name: disk.name, xml: overlayVolumeXml(disk) }
  try {
    const { volume, isNew } = await ensureVolume(libvirt, pool, wanted, signal)
    if (isNew || (await isWhole(libvirt, volume))) return
    await deleteVolume(libvirt, volume)
    await ensureVolume(libvirt, pool, wanted, signal)
  } catch (error) {
    throw imageError(error, disk.base)
  }
}

/** The size for a disk; `undefined` for that of the image. Only libvirt can read the image, through a disk over it. */
export async function diskBytes(
  libvirt: Libvirt,
  pool: PoolRef,
  stem: string,
  base: BaseImage,
  { diskGiB }: Pick<ProviderSpec, 'diskGiB'>,
): Promise<number | undefined> {
  if (diskGiB === undefined) return undefined
  const imageBytes = await capacityOf(libvirt, pool, stem, base)
  // Disks consist of sectors.
  const wantedBytes = Math.round((diskGiB * 2 ** 30) / 512) * 512
  if (wantedBytes >= imageBytes) return wantedBytes
  const message = `is less than the image's ${(imageBytes / 2 ** 30).toFixed(3)} GiB`
  throw new MachineError('InvalidArgument', `diskGiB ${diskGiB} ${message}`, {
    violations: [{ path: 'providerSpec.diskGiB', message }],
  })
}

async function capacityOf(libvirt: Libvirt, pool: PoolRef, stem: string, base: BaseImage): Promise<number> {
  const name = probeName(stem, randomBytes(4).toString('hex'))
  try {
    const probe = await libvirt.volumes.create(pool, overlayVolumeXml({ name, base }))
    const { capacityBytes } = await libvirt.volumes.info(probe)
    await deleteVolume(libvirt, probe)
    return capacityBytes
  } catch (error) {
    throw imageError(error, base)
  }
}

/** What lies below is written last when a disk is made, and libvirt's word for it is the file's own after a refresh. */
async function isWhole(libvirt: Libvirt, volume: VolumeRef): Promise<boolean> {
  const { format, base } = readVolume(await libvirt.volumes.xml(volume))
  return format === 'qcow2' && base !== undefined
}

/** Says that it is the image that is missing or cannot be read, which libvirt tells in many ways. */
function imageError(error: unknown, base: BaseImage): unknown {
  if (!isLibvirtError(error, errorCode.systemError, errorCode.internalError) || isOutOfRoom(error)) return error
  if (!error.detail.includes(base.path)) return error
  return new MachineError('InvalidArgument', `image ${base.path} cannot be used: ${error.detail}`, {
    cause: error,
    reason: 'IMAGE_UNUSABLE',
    violations: [{ path: 'providerSpec.image', message: `${base.path} cannot be used` }],
  })
}
