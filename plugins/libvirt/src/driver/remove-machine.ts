import type { ProviderSpec } from '../provider-spec.ts'
import { type DomainRef, errorCode, isLibvirtError, type Libvirt } from '../rpc/index.ts'
import type { OwnedFile } from '../xml/index.ts'
import { stopDomain } from './boot.ts'
import { deleteFiles, deleteOwnedFiles, type MachineFiles } from './files.ts'
import { findPool } from './pool.ts'

/**
 * Removes a domain and its files. The domain goes last: until nothing else is left, it is what a repeated call finds
 * them by.
 */
export async function removeMachine(
  libvirt: Libvirt,
  found: { domain: DomainRef; files: readonly OwnedFile[] } | undefined,
  names: MachineFiles,
  spec: ProviderSpec,
  signal: AbortSignal,
): Promise<void> {
  if (found) await stopDomain(libvirt, found.domain)
  const pool = await findPool(libvirt, spec)
  if (pool) await deleteFiles(libvirt, pool, names, signal)
  if (!found) return
  await deleteOwnedFiles(libvirt, found.files)
  try {
    await libvirt.domains.undefine(found.domain)
  } catch (error) {
    if (!isLibvirtError(error, errorCode.noDomain)) throw error
  }
}
