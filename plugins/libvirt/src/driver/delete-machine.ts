import type { CallContext } from '@mcm/sdk'
import type { ProviderSpec } from '../provider-spec.ts'
import { errorCode, isLibvirtError, type Libvirt } from '../rpc/index.ts'
import { stopDomain } from './boot.ts'
import { withLibvirt } from './connection.ts'
import { deleteFiles, deleteOwnedFiles } from './files.ts'
import { findMachine, type MachineDomain } from './find.ts'
import { identityOf, identityOfDomain, uuidFor } from './identity.ts'
import type { LibvirtCall } from './make-machine.ts'
import { findPool } from './pool.ts'

/** Removes the VM of a Machine with its disk, seed and console log. Gone already is a success. */
export async function deleteMachine({ machine, spec }: LibvirtCall, context: CallContext): Promise<void> {
  // Orphans may have no name to go by.
  const identity = machine.metadata.name === '' ? undefined : identityOf(machine, spec)
  const { signal } = context
  await withLibvirt(spec.uri, context, async (libvirt) => {
    const found = await findMachine(libvirt, machine, spec)
    for (const one of found) await removeDomain(libvirt, one, spec, signal)
    if (found.length > 0 || !identity) return
    // Leftovers of a machine whose domain somebody removed by hand. Where there is a domain after all, under another
    // providerID, they are its own.
    if (await libvirt.domains.findByUuid(identity.uuid)) return
    if (await libvirt.domains.findByName(identity.domainName)) return
    const pool = await findPool(libvirt, spec, signal)
    if (pool) await deleteFiles(libvirt, pool, identity.stem, signal)
  })
}

/** The definition goes last: until nothing else is left, it is what a repeated call finds the files by. */
async function removeDomain(
  libvirt: Libvirt,
  found: MachineDomain,
  spec: ProviderSpec,
  signal: AbortSignal,
): Promise<void> {
  const { domain, tags } = found
  await stopDomain(libvirt, domain)
  if (await ownsFiles(libvirt, found)) {
    const pool = await findPool(libvirt, spec, signal)
    if (pool) await deleteFiles(libvirt, pool, identityOfDomain(domain, tags).stem, signal)
    await deleteOwnedFiles(libvirt, tags.files)
  }
  try {
    await libvirt.domains.undefine(domain)
  } catch (error) {
    if (!isLibvirtError(error, errorCode.noDomain)) throw error
  }
}

/** A copy that somebody made of a machine's domain has its tags too, and the files are still those of the machine. */
async function ownsFiles(libvirt: Libvirt, { domain, tags }: MachineDomain): Promise<boolean> {
  const rightful = uuidFor(tags)
  return domain.uuid === rightful || (await libvirt.domains.findByUuid(rightful)) === undefined
}
