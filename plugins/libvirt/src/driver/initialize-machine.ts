import type { CallContext, MachineVm } from '@mcm/sdk'
import { withLibvirt } from './connection.ts'
import { findOneMachine } from './find.ts'
import { finishMachine } from './finish-machine.ts'
import type { LibvirtCall } from './make-machine.ts'

/** Starts a VM that is off, and makes what an interrupted creation left out. */
export async function initializeMachine(call: LibvirtCall, context: CallContext): Promise<MachineVm> {
  return await withLibvirt(call.spec.uri, context, async (libvirt, connection) => {
    const found = await findOneMachine(libvirt, call.machine, call.spec)
    return await finishMachine(libvirt, connection, found, call, context)
  })
}
