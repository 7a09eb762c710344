import type { CallContext } from '@mcm/sdk'
import { withLibvirt } from './connection.ts'
import { fileNames } from './files.ts'
import { findMachine } from './find.ts'
import { identityOf } from './identity.ts'
import type { LibvirtCall } from './make-machine.ts'
import { removeMachine } from './remove-machine.ts'

/** Removes the VM of a Machine with its disk, seed and console log. Gone already is a success. */
export async function deleteMachine({ machine, spec }: LibvirtCall, context: CallContext): Promise<void> {
  await withLibvirt(spec.uri, context, async (libvirt) => {
    const found = await findMachine(libvirt, machine, spec)
    for (const { domain, tags } of found) {
      const own = {
        cluster: tags.cluster,
        namespace: tags.namespace,
        machine: tags.machine,
        uuid: domain.uuid,
        domainName: domain.name,
      }
      await removeMachine(libvirt, { domain, files: tags.files }, fileNames(own), spec, context.signal)
    }
    // Leftovers of a machine whose domain somebody removed by hand. Orphans have no name to go by.
    if (found.length > 0 || machine.metadata.name === '') return
    await removeMachine(libvirt, undefined, fileNames(identityOf(machine, spec)), spec, context.signal)
  })
}
