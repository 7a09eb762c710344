import { createHash, randomBytes } from 'node:crypto'
import { type Logger, MachineError } from '@mcm/sdk'
import { type Libvirt, type PoolRef, UploadSizeError, type VolumeRef } from '../rpc/index.ts'
import { rawVolumeXml, readVolume } from '../xml/index.ts'
import { deleteVolume } from './volumes.ts'

/** Where an image comes from, and what it must be. */
export interface ImageSource {
  readonly url: string
  readonly sha256: string
  readonly format: string
}

/**
 * The path of an image that has been fetched.
 *
 * One that was cut off must never be taken for it. So each try has a name of its own, and only when all bytes are there
 * and right a second, tiny volume says so (`.ok`). Where two hosts have fetched it at once there are two: both are good,
 * and neither is ever deleted, since disks may lie over it.
 */
export async function findImage(libvirt: Libvirt, pool: PoolRef, sha256: string): Promise<string | undefined> {
  const volumes = await libvirt.pools.listVolumes(pool)
  const names = new Set(volumes.map(({ name }) => name))
  const [first] = volumes
    .filter(({ name }) => name.startsWith(`${prefixOf(sha256)}-`) && names.has(`${name}${okSuffix}`))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  return first && (await libvirt.volumes.path(first))
}

/** Brings an image into the pool, straight from its server, and checks it on the way. */
export async function fetchImage(
  libvirt: Libvirt,
  pool: PoolRef,
  { url, sha256, format }: ImageSource,
  signal: AbortSignal,
  logger: Logger,
): Promise<string> {
  await deleteDeadTries(libvirt, pool, sha256)
  const from = withoutQuery(url)
  logger.info('fetching image', { url: from })
  const { body, length } = await request(url, signal)
  const name = `${prefixOf(sha256)}-${randomBytes(4).toString('hex')}.${format}`
  const volume = await libvirt.volumes.create(pool, rawVolumeXml({ name, capacityBytes: length }))
  try {
    const hash = createHash('sha256')
    await libvirt.volumes.upload(volume, { length, chunks: hashing(body, hash, from) })
    const actual = hash.digest('hex')
    if (actual !== sha256) throw wrong('sha256', `is not that of ${from}, which is ${actual}`)
    await libvirt.volumes.create(pool, rawVolumeXml({ name: `${name}${okSuffix}`, capacityBytes: 1 }))
    return await libvirt.volumes.path(volume)
  } catch (error) {
    await deleteTry(libvirt, volume)
    if (error instanceof UploadSizeError) throw unavailable(from, error.message, error)
    throw error
  }
}

/** A try that cannot be deleted now, because the call or libvirtd has gone, is deleted later as a dead one. */
async function deleteTry(libvirt: Libvirt, volume: VolumeRef): Promise<void> {
  await deleteVolume(libvirt, volume).catch(() => {})
}

/** Deletes what was left by hosts that died. A try that lives is written to all the time. */
async function deleteDeadTries(libvirt: Libvirt, pool: PoolRef, sha256: string): Promise<void> {
  const volumes = (await libvirt.pools.listVolumes(pool)).filter(({ name }) => name.startsWith(`${prefixOf(sha256)}-`))
  const names = new Set(volumes.map(({ name }) => name))
  for (const volume of volumes) {
    if (volume.name.endsWith(okSuffix) || names.has(`${volume.name}${okSuffix}`)) continue
    const { modifiedMs } = readVolume(await libvirt.volumes.xml(volume))
    if (modifiedMs !== undefined && Date.now() - modifiedMs > deadAfterMs) await deleteVolume(libvirt, volume)
  }
}

async function request(url: string, signal: AbortSignal): Promise<{ body: AsyncIterable<Uint8Array>; length: number }> {
  const from = withoutQuery(url)
  let response: Response
  try {
    // Compressed on the way it would have another length, and the volume needs the true one.
    response = await fetch(url, { signal, headers: { 'accept-encoding': 'identity' } })
  } catch (error) {
    signal.throwIfAborted()
    throw unavailable(from, causeOf(error), error)
  }
  const { ok, status, body } = response
  if (ok && body) {
    const length = Number(response.headers.get('content-length'))
    if (length > 0) return { body, length }
    await body.cancel()
    throw wrong('url', `${from}: the server does not say how long the image is (Content-Length)`)
  }
  await body?.cancel()
  if (status >= 500 || status === 429) throw unavailable(from, `HTTP ${status}`)
  throw wrong('url', `${from} cannot be fetched: HTTP ${status}`)
}

async function* hashing(
  body: AsyncIterable<Uint8Array>,
  hash: { update(bytes: Uint8Array): unknown },
  from: string,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) {
      hash.update(chunk)
      yield chunk
    }
  } catch (error) {
    throw unavailable(from, causeOf(error), error)
  }
}

function unavailable(from: string, why: string, cause?: unknown): MachineError {
  return new MachineError('Unavailable', `image ${from} cannot be fetched: ${why}`, { cause })
}

function wrong(field: 'url' | 'sha256', message: string): MachineError {
  const violations = [{ path: `providerSpec.image.${field}`, message }]
  return new MachineError('InvalidArgument', `image ${field} ${message}`, { violations })
}

/** `fetch` itself says only that it failed. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}

/** Signed URLs have secrets there. */
function withoutQuery(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}

function prefixOf(sha256: string): string {
  return `mcm-image-${sha256}`
}

const okSuffix = '.ok'
const deadAfterMs = 3_600_000
