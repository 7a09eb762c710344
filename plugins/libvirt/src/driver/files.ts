import { MachineError, waitFor } from '@mcm/sdk'
import type { ProviderSpec } from '../provider-spec.ts'
import { errorCode, isLibvirtError, type Libvirt, type PoolRef, type VolumeRef } from '../rpc/index.ts'
import { type OwnedFile, overlayVolumeXml, rawVolumeXml, readVolume } from '../xml/index.ts'
import type { Identity } from './identity.ts'
import type { BaseImage } from './image.ts'
import type { ReadyPool } from './pool.ts'

/** The files of a machine, all volumes of the pool, so that libvirt can remove them wherever it runs. */
export interface MachineFiles {
  disk: string
  seed: string
  console: string
}

export function fileNames({ domainName }: Identity): MachineFiles {
  return { disk: `${domainName}_disk.qcow2`, seed: `${domainName}_seed.iso`, console: `${domainName}_console.log` }
}

/** The files with their paths, as a domain remembers them. */
export function ownedFiles({ path }: ReadyPool, names: MachineFiles): OwnedFile[] {
  return (['disk', 'seed', 'console'] as const).map((kind) => ({ kind, path: `${path}/${names[kind]}` }))
}

/**
 * Makes the files of a machine that is off. The disk is kept if it is there and whole, since it may hold data; seed and
 * console log are made anew.
 */
export async function ensureFiles(
  libvirt: Libvirt,
  pool: PoolRef,
  names: MachineFiles,
  { base, spec, seed }: { base: BaseImage; spec: ProviderSpec; seed: Buffer },
): Promise<void> {
  await ensureDisk(libvirt, pool, names.disk, base, spec.diskGiB)
  await replaceFile(libvirt, pool, names.seed, seed)
  // Made by us so that libvirt knows it as a volume and can delete it; QEMU appends. A volume cannot be empty.
  await replaceFile(libvirt, pool, names.console, Buffer.from('\n'))
}

/** Deletes all files of a machine that are in the pool, console logs that were rotated away included. */
export async function deleteFiles(
  libvirt: Libvirt,
  pool: PoolRef,
  names: MachineFiles,
  signal: AbortSignal,
): Promise<void> {
  await refresh(libvirt, pool, signal)
  const volumes = await libvirt.pools.listVolumes(pool)
  const rotated = (name: string) =>
    name.startsWith(`${names.console}.`) && /^\d+$/.test(name.slice(names.console.length + 1))
  const own = volumes.filter(({ name }) => Object.values(names).includes(name) || rotated(name))
  await Promise.all(own.map((volume) => deleteVolume(libvirt, volume)))
}

/** Deletes the files that a domain remembers, also in a pool that the class no longer names. */
export async function deleteOwnedFiles(libvirt: Libvirt, files: readonly OwnedFile[]): Promise<void> {
  await Promise.all(
    files.map(async ({ path }) => {
      const volume = await libvirt.volumes.findByPath(path)
      if (volume) await deleteVolume(libvirt, volume)
    }),
  )
}

async function ensureDisk(
  libvirt: Libvirt,
  pool: PoolRef,
  name: string,
  base: BaseImage,
  diskGiB: number | undefined,
): Promise<void> {
  const existing = await libvirt.volumes.findByName(pool, name)
  if (existing) {
    const { format, base: below } = readVolume(await libvirt.volumes.xml(existing))
    if (format === 'qcow2' && below?.path === base.path) return
    // Left by a try that was interrupted.
    await deleteVolume(libvirt, existing)
  }
  const volume = await libvirt.volumes.create(pool, overlayVolumeXml({ name, base }))
  if (diskGiB === undefined) return
  const { capacityBytes: imageBytes } = await libvirt.volumes.info(volume)
  const wantedBytes = Math.round(diskGiB * 2 ** 30)
  if (wantedBytes === imageBytes) return
  await deleteVolume(libvirt, volume)
  if (wantedBytes < imageBytes) {
    const message = `is less than the image's ${(imageBytes / 2 ** 30).toFixed(2)} GiB`
    throw new MachineError('InvalidArgument', `diskGiB ${diskGiB} ${message}`, {
      violations: [{ path: 'providerSpec.diskGiB', message }],
    })
  }
  await libvirt.volumes.create(pool, overlayVolumeXml({ name, base, capacityBytes: wantedBytes }))
}

async function replaceFile(libvirt: Libvirt, pool: PoolRef, name: string, content: Buffer): Promise<void> {
  const existing = await libvirt.volumes.findByName(pool, name)
  if (existing) await deleteVolume(libvirt, existing)
  const volume = await libvirt.volumes.create(pool, rawVolumeXml({ name, capacityBytes: content.length }))
  await libvirt.volumes.upload(volume, content)
}

async function deleteVolume(libvirt: Libvirt, volume: VolumeRef): Promise<void> {
  try {
    await libvirt.volumes.delete(volume)
  } catch (error) {
    if (!isLibvirtError(error, errorCode.noStorageVolume)) throw error
  }
}

/** libvirt refuses while a volume of the pool is being made, which for other machines happens all the time. */
async function refresh(libvirt: Libvirt, pool: PoolRef, signal: AbortSignal): Promise<void> {
  await waitFor(
    async () => {
      try {
        await libvirt.pools.refresh(pool)
        return true
      } catch (error) {
        if (isLibvirtError(error, errorCode.internalError, errorCode.operationInvalid)) return undefined
        throw error
      }
    },
    { signal, what: 'a moment without jobs in the pool', intervalMs: 50, timeoutMs: 60_000 },
  )
}
