import { MachineError, waitFor } from '@mcm/sdk'
import type { ProviderSpec } from '../provider-spec.ts'
import { errorCode, isLibvirtError, type Libvirt, type PoolRef } from '../rpc/index.ts'
import { poolXml, readPool } from '../xml/index.ts'

/** A pool that runs, and its folder. */
export interface ReadyPool {
  readonly ref: PoolRef
  readonly path: string
}

/** The pool for disks; made when it is not there and the class says where. */
export async function ensurePool(
  libvirt: Libvirt,
  { pool: { name, path } }: Pick<ProviderSpec, 'pool'>,
  signal: AbortSignal,
): Promise<ReadyPool> {
  const ref = (await libvirt.pools.findByName(name)) ?? (await makePool(libvirt, name, path))
  await startPool(libvirt, ref, signal)
  const { type = '', path: actual } = readPool(await libvirt.pools.xml(ref))
  if (actual === undefined || !folderTypes.includes(type)) {
    throw invalid(`pool ${name} is of type ${type}, and not a folder`, 'name')
  }
  if (path !== undefined && trimmed(actual) !== trimmed(path)) {
    throw invalid(`pool ${name} is in ${actual}, not in ${path}`, 'path')
  }
  return { ref, path: trimmed(actual) }
}

/** The pool for disks if it is there. It is started, for its files cannot be seen before. */
export async function findPool(
  libvirt: Libvirt,
  { pool: { name } }: Pick<ProviderSpec, 'pool'>,
  signal: AbortSignal,
): Promise<PoolRef | undefined> {
  const ref = await libvirt.pools.findByName(name)
  if (ref) await startPool(libvirt, ref, signal)
  return ref
}

async function makePool(libvirt: Libvirt, name: string, path: string | undefined): Promise<PoolRef> {
  if (path === undefined) {
    throw invalid(`libvirt has no pool ${name}; define it, or say in pool.path where to make it`, 'name')
  }
  let ref: PoolRef
  try {
    ref = await libvirt.pools.define(poolXml({ name, path }))
  } catch (error) {
    // Two first machines at once: the other one's call has made it.
    const made = await libvirt.pools.findByName(name)
    if (made) return made
    throw error
  }
  try {
    await libvirt.pools.build(ref)
    await libvirt.pools.setAutostart(ref, true)
    return ref
  } catch (error) {
    // It runs already: made by the other call.
    if (isLibvirtError(error, errorCode.operationInvalid)) return ref
    // A pool that cannot be used would stand in the way of the class that has been corrected.
    await libvirt.pools.undefine(ref).catch(() => {})
    throw error
  }
}

async function startPool(libvirt: Libvirt, ref: PoolRef, signal: AbortSignal): Promise<void> {
  const isRunning = async () => ((await libvirt.pools.info(ref)).state === 'inactive' ? undefined : true)
  if (await isRunning()) return
  try {
    await libvirt.pools.start(ref)
  } catch (error) {
    if (!isLibvirtError(error, errorCode.operationInvalid)) throw error
    // Somebody else starts it, or has.
    await waitFor(isRunning, { signal, what: `pool ${ref.name} to run`, intervalMs: 20, timeoutMs: startMs })
  }
}

function trimmed(path: string): string {
  return path.replace(/(?<=.)\/+$/, '')
}

function invalid(message: string, field: 'name' | 'path'): MachineError {
  const violations = [{ path: `providerSpec.pool.${field}`, message }]
  return new MachineError('InvalidArgument', message, { violations })
}

const folderTypes = ['dir', 'fs', 'netfs']
const startMs = 30_000
