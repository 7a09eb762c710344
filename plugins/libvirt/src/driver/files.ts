import { createHash } from 'node:crypto'
import type { Libvirt, PoolRef } from '../rpc/index.ts'
import { type OwnedFile, rawVolumeXml } from '../xml/index.ts'
import type { Identity } from './identity.ts'
import type { ReadyPool } from './pool.ts'
import { deleteVolume, ensureVolume, refreshPool } from './volumes.ts'

/** The files of a machine, all volumes of the pool, so that libvirt can remove them wherever it runs. */
export interface MachineFiles {
  readonly disk: string
  readonly seed: string
  readonly console: string
}

/**
 * The names of a machine's files. The seed's name holds its checksum: whoever writes it writes the same bytes, so two
 * calls that do it at once, or one after a crash, cannot spoil it for a VM that reads it.
 */
export function fileNames({ stem }: Pick<Identity, 'stem'>, seed: Uint8Array): MachineFiles {
  const checksum = createHash('sha256').update(seed).digest('hex').slice(0, 12)
  return { disk: diskName(stem), seed: `${stem}_seed-${checksum}.iso`, console: consoleName(stem) }
}

/** The files with their paths, as a domain remembers them. */
export function ownedFiles({ path }: ReadyPool, names: MachineFiles): OwnedFile[] {
  return (['disk', 'seed', 'console'] as const).map((kind) => ({ kind, path: `${path}/${names[kind]}` }))
}

/** Writes the seed. It is whole when this resolves, whatever was there. */
export async function ensureSeed(
  libvirt: Libvirt,
  pool: PoolRef,
  name: string,
  content: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  const wanted = { name, xml: rawVolumeXml({ name, capacityBytes: content.length }) }
  let { volume, isNew } = await ensureVolume(libvirt, pool, wanted, signal)
  if (!isNew && (await libvirt.volumes.info(volume)).capacityBytes !== content.length) {
    // Cut off while its file was made; no VM can have started with it.
    await deleteVolume(libvirt, volume)
    volume = (await ensureVolume(libvirt, pool, wanted, signal)).volume
  }
  await libvirt.volumes.upload(volume, content)
}

/**
 * Makes the console log, so that it is a volume with the rights of one; QEMU appends. One that is there is kept: it says
 * why a machine died.
 */
export async function ensureConsoleLog(
  libvirt: Libvirt,
  pool: PoolRef,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  if (await libvirt.volumes.findByName(pool, name)) return
  const content = Buffer.from('\n')
  const { volume, isNew } = await ensureVolume(
    libvirt,
    pool,
    // A volume cannot be empty.
    { name, xml: rawVolumeXml({ name, capacityBytes: content.length }) },
    signal,
  )
  if (isNew) await libvirt.volumes.upload(volume, content)
}

/**
 * Deletes the disk and the console log that a machine before this one has left, whose domain somebody removed by hand.
 * What is found while there is no domain cannot be another call's: each defines the domain before it makes these.
 */
export async function deleteLeftovers(libvirt: Libvirt, pool: PoolRef, { uuid, stem }: Identity): Promise<void> {
  for (const name of [diskName(stem), consoleName(stem)]) {
    const volume = await libvirt.volumes.findByName(pool, name)
    if (volume && !(await libvirt.domains.findByUuid(uuid))) await deleteVolume(libvirt, volume)
  }
}

/** Deletes all files of a machine that libvirt knows of. */
export async function deleteKnownFiles(libvirt: Libvirt, pool: PoolRef, stem: string): Promise<void> {
  const volumes = await libvirt.pools.listVolumes(pool)
  await Promise.all(volumes.filter(({ name }) => isFileOf(stem, name)).map((volume) => deleteVolume(libvirt, volume)))
}

/** Deletes all files of a machine that are in the pool, console logs that were rotated away included. */
export async function deleteFiles(libvirt: Libvirt, pool: PoolRef, stem: string, signal: AbortSignal): Promise<void> {
  // First, so that a pool that is never at rest keeps nothing but a rotated log.
  await deleteKnownFiles(libvirt, pool, stem)
  await refreshPool(libvirt, pool, signal)
  await deleteKnownFiles(libvirt, pool, stem)
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

/** A disk that only tells how large its image is, see `disk.ts`. */
export function probeName(stem: string, random: string): string {
  return `${stem}_probe-${random}.qcow2`
}

/** Whether a volume of this name belongs to the machine. */
export function isFileOf(stem: string, name: string): boolean {
  if (!name.startsWith(`${stem}_`)) return false
  return /^(disk\.qcow2|seed-[0-9a-f]{12}\.iso|console\.log(\.\d+)?|probe-[0-9a-f]{8}\.qcow2)$/.test(
    name.slice(stem.length + 1),
  )
}

function diskName(stem: string): string {
  return `${stem}_disk.qcow2`
}

function consoleName(stem: string): string {
  return `${stem}_console.log`
}
