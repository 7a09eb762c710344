import { createHash, randomUUID } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type CallContext, MachineError } from '@mcm/sdk'
import type { ProviderSpec } from '../provider-spec.ts'
import type { Libvirt, PoolRef } from '../rpc/index.ts'
import { rawVolumeXml, readVolume } from '../xml/index.ts'
import type { ReadyPool } from './pool.ts'

/** An image that disks can be laid over. */
export interface BaseImage {
  path: string
  format: 'qcow2' | 'raw'
}

/** Finds the image of a class, or fetches it into the pool. */
export async function baseImage(
  libvirt: Libvirt,
  pool: ReadyPool,
  { image, pool: { name: poolName } }: ProviderSpec,
  context: Pick<CallContext, 'signal' | 'logger' | 'client'>,
): Promise<BaseImage> {
  if ('path' in image) return { path: image.path, format: image.format ?? 'qcow2' }
  if ('url' in image) {
    const { url, sha256, format = 'qcow2' } = image
    return { path: await fetchedImage(libvirt, pool.ref, { url, sha256, format }, context), format }
  }
  const { volume, pool: name = poolName } = image
  const ref = await libvirt.pools.findByName(name)
  const found = ref && (await libvirt.volumes.findByName(ref, volume))
  if (!found) {
    const message = `pool ${name} has no volume ${volume}`
    throw new MachineError('InvalidArgument', message, { violations: [{ path: 'providerSpec.image.volume', message }] })
  }
  const { path, format } = readVolume(await libvirt.volumes.xml(found))
  return { path, format: format === 'qcow2' ? 'qcow2' : 'raw' }
}

/**
 * Brings an image into the pool, once per checksum.
 *
 * An upload that was cut off must never be taken for the image. So each try has a name of its own, and only when all
 * bytes are there a second, tiny volume says so (`.ok`). An image without it is not used; tries of a host that died
 * are removed by the next one.
 */
async function fetchedImage(
  libvirt: Libvirt,
  pool: PoolRef,
  source: { url: string; sha256: string; format: string },
  { client, signal, logger }: Pick<CallContext, 'signal' | 'logger' | 'client'>,
): Promise<string> {
  const prefix = `mcm-image-${source.sha256}`
  const complete = await findComplete(libvirt, pool, prefix)
  if (complete) return complete
  // Many machines of a new class come at once: one fetches, the others wait for it.
  const fetches = await client('image-fetches', () => new Map<string, Promise<string>>())
  let fetching = fetches.get(source.sha256)
  if (!fetching) {
    fetching = fetchImage(libvirt, pool, prefix, source, signal, logger).finally(() => fetches.delete(source.sha256))
    fetches.set(source.sha256, fetching)
  }
  return await fetching
}

async function findComplete(libvirt: Libvirt, pool: PoolRef, prefix: string): Promise<string | undefined> {
  const volumes = await libvirt.pools.listVolumes(pool)
  const names = new Set(volumes.map(({ name }) => name))
  const found = volumes.find(({ name }) => name.startsWith(`${prefix}-`) && names.has(`${name}.ok`))
  return found && (await libvirt.volumes.path(found))
}

async function fetchImage(
  libvirt: Libvirt,
  pool: PoolRef,
  prefix: string,
  { url, sha256, format }: { url: string; sha256: string; format: string },
  signal: AbortSignal,
  logger: CallContext['logger'],
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mcm-image-'))
  try {
    const file = join(folder, 'image')
    logger.info('fetching image', { url: withoutCredentials(url) })
    const length = await download(url, sha256, file, signal)
    const name = `${prefix}-${randomUUID().slice(0, 8)}.${format}`
    for (const old of await libvirt.pools.listVolumes(pool)) {
      if (old.name.startsWith(`${prefix}-`)) await libvirt.volumes.delete(old)
    }
    const volume = await libvirt.volumes.create(pool, rawVolumeXml({ name, capacityBytes: length }))
    await libvirt.volumes.upload(volume, { length, chunks: createReadStream(file) })
    await libvirt.volumes.create(pool, rawVolumeXml({ name: `${name}.ok`, capacityBytes: 1 }))
    return await libvirt.volumes.path(volume)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function download(url: string, sha256: string, file: string, signal: AbortSignal): Promise<number> {
  const response = await fetch(url, { signal })
  const from = withoutCredentials(url)
  if (!response.ok || !response.body) {
    const code = response.status >= 500 || response.status === 429 ? 'Unavailable' : 'NotFound'
    throw new MachineError(code, `image ${from} cannot be fetched: HTTP ${response.status}`, { source: 'cloud' })
  }
  const hash = createHash('sha256')
  let length = 0
  const count = new Transform({
    transform(chunk: Buffer, _, done) {
      hash.update(chunk)
      length += chunk.length
      done(null, chunk)
    },
  })
  await pipeline(Readable.fromWeb(response.body as never), count, createWriteStream(file), { signal })
  const actual = hash.digest('hex')
  if (actual !== sha256) {
    const message = `is ${actual} for what ${from} gives`
    throw new MachineError('InvalidArgument', `image checksum ${message}`, {
      source: 'cloud',
      violations: [{ path: 'providerSpec.image.sha256', message }],
    })
  }
  return length
}

function withoutCredentials(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}
