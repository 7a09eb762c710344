import { type CallContext, MachineError } from '@mcm/sdk'
import { ec2For } from '../cloud/ec2.ts'
import type { ProviderSpec } from '../spec/provider-spec.ts'
import { tagKeysOf } from '../spec/tags.ts'
import { type AwsCall, machineOf } from './call.ts'
import { findById, findByTags, isForeign } from './find.ts'
import type { Vm } from './instance.ts'
import { parseProviderID } from './provider-id.ts'

/**
 * The one VM of a Machine: by its tags, else by its providerID. `NotFound` without one, `OutOfRange` with several.
 */
export async function findOne(call: AwsCall, context: CallContext): Promise<{ vm: Vm; region: string }> {
  const { spec, region, name, providerID } = machineOf(call)
  const found = await findByTags(await ec2For(region, call.secret, context), tagKeysOf(spec), name)
  const [vm] = found
  if (found.length > 1) throw several(found)
  if (vm) return { vm, region }
  if (!providerID) throw new MachineError('NotFound', 'No ProviderID found on the machine')
  return await findReferenced(call, spec, context)
}

/** The VM that the providerID names. Tags may have been lost, but it must not be one of another cluster. */
async function findReferenced(call: AwsCall, spec: ProviderSpec, context: CallContext) {
  const { region, providerID } = machineOf(call)
  const reference = parseProviderID(providerID, region)
  const none = 'AWS plugin is returning no VM instances backing this machine object'
  if (!reference) throw new MachineError('NotFound', none)
  const ec2 = await ec2For(reference.region, call.secret, context)
  const vm = await findById(ec2, reference.id)
  if (!vm) throw new MachineError('NotFound', none)
  if (isForeign(vm, tagKeysOf(spec))) {
    throw new MachineError('NotFound', `${none}: ${reference.id} has the tags of another cluster`)
  }
  return { vm, region: reference.region }
}

/** Its name in the Machine's status makes upstream's controller collect orphans at once. */
export function several(found: readonly Vm[]): MachineError {
  const ids = found.map(({ InstanceId }) => InstanceId).join(' ')
  const text = `AWS plugin is returning multiple VM instances backing this machine object. IDs for all backing VMs - [${ids}] `
  return new MachineError('OutOfRange', text)
}
