import { type CallContext, MachineError, type MachineVm } from '@mcm/sdk'
import { withLibvirt } from './connection.ts'
import { findOneMachine } from './find.ts'
import { providerIDOf } from './identity.ts'
import type { LibvirtCall } from './make-machine.ts'
import { describeVm, isOn } from './vm.ts'

/** Finds the VM of a Machine. One that is off, or that an interrupted creation left half made, is `Uninitialized`. */
export async function getMachineStatus({ machine, spec }: LibvirtCall, context: CallContext): Promise<MachineVm> {
  return await withLibvirt(spec.uri, context, async (libvirt) => {
    const { domain, tags } = await findOneMachine(libvirt, machine, spec)
    const vm = { providerID: providerIDOf(domain.uuid), nodeName: tags.machine }
    const state = await libvirt.domains.state(domain)
    if (!isOn(state)) {
      throw MachineError.uninitialized(
        vm,
        `domain ${domain.name} is ${state.state} (${state.reason}); InitializeMachine starts it`,
      )
    }
    return await describeVm(libvirt, domain, tags.machine)
  })
}
