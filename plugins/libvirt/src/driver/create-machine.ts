import { type CallContext, MachineError, type MachineVm } from '@mcm/sdk'
import type { ProviderSpec } from '../provider-spec.ts'
import type { Libvirt } from '../rpc/index.ts'
import { type LibvirtConnection, withLibvirt } from './connection.ts'
import { isInDoubt } from './errors.ts'
import { deleteKnownFiles } from './files.ts'
import { findByMachineName, onlyOne } from './find.ts'
import { finishMachine } from './finish-machine.ts'
import { type Identity, identityOf } from './identity.ts'
import { type LibvirtCall, makeMachine } from './make-machine.ts'
import { isOn } from './vm.ts'

/**
 * Makes the VM of a Machine, or adopts the one that is there.
 *
 * There cannot be two: UUID and name follow from the Machine, and libvirt allows one domain of each. So a call that
 * fails, is killed, or is made twice at once ends with that one VM, with parts of it that the next call finishes, or
 * with nothing.
 */
export async function createMachine(call: LibvirtCall, context: CallContext): Promise<MachineVm> {
  const { machine, spec } = call
  const identity = identityOf(machine, spec)
  return await withLibvirt(spec.uri, context, async (libvirt, connection) => {
    const existing = onlyOne(await findByMachineName(libvirt, machine, spec), machine)
    if (existing) return await finishMachine(libvirt, connection, existing, call, context)
    await checkNameIsFree(libvirt, identity)
    try {
      return await makeMachine(libvirt, connection, identity, call, context)
    } catch (error) {
      // libvirtd may still work on it. What it makes is found, and finished or deleted, by the next call.
      if (!context.signal.aborted && !isInDoubt(error)) await cleanUp(connection, identity, spec, context)
      throw error
    }
  })
}

async function checkNameIsFree(libvirt: Libvirt, { domainName }: Identity): Promise<void> {
  const other = await libvirt.domains.findByName(domainName)
  if (!other) return
  const text = `there is another domain of the name ${domainName}, with UUID ${other.uuid} and without the tags of this machine; rename or remove it`
  throw new MachineError('AlreadyExists', text, { reason: 'FOREIGN_DOMAIN' })
}

/** What stays is found by a later delete. */
async function cleanUp(
  connection: LibvirtConnection,
  identity: Identity,
  spec: ProviderSpec,
  { logger }: CallContext,
): Promise<void> {
  try {
    await removeHalfMade(await connection.use(AbortSignal.timeout(cleanUpMs)), identity, spec)
  } catch (error) {
    logger.warn('what a failed creation made could not be removed, a later delete will', { error: String(error) })
  }
}

/** Removes what this call made, unless another call for the same machine has got further and started it. */
async function removeHalfMade(libvirt: Libvirt, identity: Identity, { pool: { name } }: ProviderSpec): Promise<void> {
  const domain = await libvirt.domains.findByUuid(identity.uuid)
  if (domain) {
    if (isOn(await libvirt.domains.state(domain))) return
    const xml = await libvirt.domains.xml(domain, { of: 'config' })
    await libvirt.domains.undefine(domain)
    if (await libvirt.domains.findByUuid(identity.uuid)) {
      // Started in that very moment: it runs on without a definition. Give it back.
      await libvirt.domains.define(xml)
      return
    }
  }
  const pool = await libvirt.pools.findByName(name)
  if (pool) await deleteKnownFiles(libvirt, pool, identity.stem)
}

const cleanUpMs = 30_000
