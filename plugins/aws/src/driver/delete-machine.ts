import { type CallContext, MachineError } from '@mcm/sdk'
import { type Ec2, ec2For } from '../cloud/ec2.ts'
import { type TagKeys, tagKeysOf } from '../spec/tags.ts'
import { type AwsCall, machineOf } from './call.ts'
import { findById, findByTags, isNotFound } from './find.ts'
import { hasTagKeys } from './instance.ts'
import { type InstanceReference, parseProviderID } from './provider-id.ts'

/**
 * Terminates the VM that the providerID names, or else all live VMs with the machine's name. Its disks and network
 * interfaces go with it, as far as the class says so.
 */
export async function deleteMachine(call: AwsCall, context: CallContext): Promise<void> {
  const { spec, region, name, providerID } = machineOf(call)
  const keys = tagKeysOf(spec)
  const reference = parseProviderID(providerID, region)
  if (reference) {
    await deleteReferenced(await ec2For(reference.region, call.secret, context), reference, keys)
    return
  }
  // VMs without a name would all match.
  if (name === '') throw new MachineError('InvalidArgument', 'the Machine has neither a name nor a usable providerID')
  const ec2 = await ec2For(region, call.secret, context)
  const found = await findByTags(ec2, keys, name)
  // One that fails does not keep the others from going.
  const results = await Promise.allSettled(found.map(({ InstanceId }) => terminate(ec2, InstanceId)))
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))
  context.signal.throwIfAborted()
  if (failures.length > 0) throw joined(failures)
}

/** What has not this cluster's tags is never touched, whatever a providerID says. */
async function deleteReferenced(ec2: Ec2, { id, region }: InstanceReference, keys: TagKeys): Promise<void> {
  const vm = await findById(ec2, id)
  if (!vm) return
  if (!hasTagKeys(vm, keys)) {
    const lacks = `it lacks the tags ${keys.cluster} and ${keys.role}`
    throw new MachineError('FailedPrecondition', `VM ${id} in ${region} is not terminated: ${lacks}`)
  }
  await terminate(ec2, id)
}

async function terminate(ec2: Ec2, id: string): Promise<void> {
  await ec2.terminateInstance(id).catch((error: unknown) => {
    if (!isNotFound(error)) throw error
  })
}

function joined(failures: readonly unknown[]): MachineError {
  const errors = failures.map((failure) => MachineError.from(failure))
  const [first] = errors
  if (!first || errors.length === 1) return first ?? MachineError.from(undefined)
  const { source, retry, reason } = first
  const message = errors.map((error) => error.message).join('; ')
  // An answer of EC2 is a failure, so the code is not OK.
  return new MachineError(first.code as Exclude<typeof first.code, 'OK'>, message, {
    source,
    retry,
    cause: first,
    ...(reason !== undefined && { reason }),
  })
}
