import type { CallContext, MachineVm } from '@mcm/sdk'
import { zoneFor } from '../cloud/compute.ts'
import { ownerTagsOf } from '../spec/tags.ts'
import { type GcpCall, specOf } from './call.ts'
import { findOwned } from './find.ts'
import { notFound, vmNameOf, vmOf } from './identity.ts'
import { prefixed } from './prefixed.ts'
import { withoutCapacity } from './recoded.ts'

/** Finds the VM of a Machine. One that is stopped is there, too. */
export async function getMachineStatus(call: GcpCall, context: CallContext): Promise<MachineVm> {
  const run = async () => {
    const spec = specOf(call)
    const zone = await zoneFor(spec.zone, call.secret, context)
    const name = vmNameOf(call.machine, zone)
    const vm = await findOwned(zone, name, ownerTagsOf(spec.tags))
    if (!vm) throw notFound(name)
    return vmOf(zone, name, vm)
  }
  return await prefixed(`Machine status "${call.machine.metadata.name}" failed`, () => withoutCapacity(run))
}
