import { type CallContext, MachineError } from '@mcm/sdk'
import { zoneFor } from '../cloud/compute.ts'
import { ownerTagsOf } from '../spec/tags.ts'
import { type GcpCall, specOf } from './call.ts'
import { findOwned } from './find.ts'
import { notFound, vmNameOf } from './identity.ts'
import { prefixed } from './prefixed.ts'
import { recoded, withoutCapacity } from './recoded.ts'
import { untilDone } from './until-done.ts'

/**
 * Deletes the VM of a Machine, and waits until it is gone. One without the tags of the class is never touched. It is
 * deleted by its id: were it replaced by another of its name after the look at its tags, that one would stay.
 */
export async function deleteMachine(call: GcpCall, context: CallContext): Promise<void> {
  const run = async () => {
    const spec = specOf(call)
    const zone = await zoneFor(spec.zone, call.secret, context)
    const name = vmNameOf(call.machine, zone)
    const vm = await findOwned(zone, name, ownerTagsOf(spec.tags))
    if (!vm) throw notFound(name)
    const id = vm.id || name
    const operation = await zone.delete(id).catch((error: unknown) => {
      throw withProtectionCode(error)
    })
    if (!operation) return
    await untilDone(zone, operation, context).catch(async (error: unknown) => {
      // Somebody else was faster.
      if (MachineError.is(error) && error.reason === 'RESOURCE_NOT_FOUND' && !(await zone.get(id))) return
      throw error
    })
  }
  await prefixed(`Delete machine "${call.machine.metadata.name}" failed`, () => withoutCapacity(run))
}

/** Somebody has to lift the protection; the class is not wrong. */
function withProtectionCode(error: unknown): unknown {
  if (!MachineError.is(error) || !error.message.includes('protected against deletion')) return error
  return recoded(error, 'FailedPrecondition')
}
