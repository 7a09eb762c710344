import { MachineError } from '@mcm/sdk'
import type { ProviderSpec } from '../provider-spec.ts'
import { errorCode, isLibvirtError, type Libvirt, type PoolRef } from '../rpc/index.ts'
import { poolXml, readPool } from '../xml/index.ts'

/** A pool that runs, and its folder. */
export interface ReadyPool {
  ref: PoolRef
  path: string
}

/** The pool for disks; made when it is not there and the class says where. */
export async function ensurePool(libvirt: Libvirt, { pool: { name, path } }: ProviderSpec): Promise<ReadyPool> {
  const ref = (await libvirt.pools.findByName(name)) ?? (await makePool(libvirt, name, path))
  const { state } = await libvirt.pools.info(ref)
  if (state === 'inactive') await startPool(libvirt, ref)
  const actual = readPool(await libvirt.pools.xml(ref)).path
  if (actual === undefined) throw invalid(`pool ${name} is not a folder`, 'name')
  if (path !== undefined && actual.replace(/\/+$/, '') !== path.replace(/\/+$/, '')) {
    throw invalid(`pool ${name} is in ${actual}, not in ${path}`, 'path')
  }
  return { ref, path: actual }
}

/** The pool for disks if it is there and runs. */
export async function findPool(libvirt: Libvirt, { pool: { name } }: ProviderSpec): Promise<PoolRef | undefined> {
  const ref = await libvirt.pools.findByName(name)
  return ref && (await libvirt.pools.info(ref)).state !== 'inactive' ? ref : undefined
}

async function makePool(libvirt: Libvirt, name: string, path: string | undefined): Promise<PoolRef> {
  if (path === undefined)
    throw invalid(`libvirt has no pool ${name}; define it, or say in pool.path where to make it`, 'name')
  try {
    const ref = await libvirt.pools.define(poolXml({ name, path }))
    await libvirt.pools.build(ref)
    await libvirt.pools.setAutostart(ref, true)
    return ref
  } catch (error) {
    // Two first machines at once: the other one's call has made it.
    const made = await libvirt.pools.findByName(name)
    if (made) return made
    throw error
  }
}

async function startPool(libvirt: Libvirt, ref: PoolRef): Promise<void> {
  try {
    await libvirt.pools.build(ref)
    await libvirt.pools.start(ref)
  } catch (error) {
    if (!isLibvirtError(error, errorCode.operationInvalid)) throw error
    // Somebody else has started it.
  }
}

function invalid(message: string, field: 'name' | 'path'): MachineError {
  const violations = [{ path: `providerSpec.pool.${field}`, message }]
  return new MachineError('InvalidArgument', message, { source: 'cloud', violations })
}
