import { type CallContext, MachineError } from '@mcm/sdk'
import { zoneFor } from '../cloud/compute.ts'
import { ownerTagsOf } from '../spec/tags.ts'
import { type GcpCall, specOf } from './call.ts'
import { findOwned } from './find.ts'
import { notFound, vmNameOf } from './identity.ts'
import { prefixed } from './prefixed.ts'
import { untilDone } from './until-done.ts'

/**
 * Deletes the VM of a Machine, and waits until it is gone. One without the tags of the class is never touched. It is
 * deleted by its id: were it replaced by another of its name after the look at its tags, that one would stay.
 */
export async function deleteMachine(call: GcpCall, context: CallContext): Promise<void> {
  await prefixed(`Delete machine "${call.machine.metadata.name}" failed`, async () => {
    const spec = specOf(call)
    const zone = await zoneFor(spec.zone, call.secret, context)
    const name = vmNameOf(call.machine, zone)
    const vm = await findOwned(zone, name, ownerTagsOf(spec.tags))
    if (!vm) throw notFound(name)
    const operation = await zone.delete(vm.id || name).catch((error: unknown) => {
      throw withProtectionCode(error)
    })
    if (operation) await untilDone(zone, operation, context).catch((error: unknown) => throwPassing(error))
  })
}

/** Somebody has to lift the protection; the class is not wrong. */
function withProtectionCode(error: unknown): unknown {
  if (!MachineError.is(error) || !error.message.includes('protected against deletion')) return error
  const { message, reason, cause } = error
  return new MachineError('FailedPrecondition', message, { source: 'cloud', cause, ...(reason && { reason }) })
}

/** A quota that keeps a VM from going is one of requests: it says nothing about room for another VM. */
function throwPassing(error: unknown): never {
  if (!MachineError.is(error) || error.code !== 'ResourceExhausted') throw error
  const { message, reason, cause } = error
  throw new MachineError('Unavailable', message, { source: 'cloud', cause, ...(reason && { reason }) })
}
