import type { Instance } from '@aws-sdk/client-ec2'
import { MachineError } from '@mcm/sdk'
import type { Ec2 } from '../cloud/ec2.ts'
import { clusterWord, type TagKeys } from '../spec/tags.ts'
import { hasTagKeys, isLive, isVm, liveStates, tagOf, type Vm } from './instance.ts'

/**
 * The live VMs with both tag keys, and with the name of a machine where one is given.
 */
export async function findByTags(ec2: Ec2, keys: TagKeys, name?: string): Promise<Vm[]> {
  const found = await ec2.describeInstances(name === undefined ? 'instance_list' : 'instance_get_by_tag_and_status', {
    Filters: [
      ...(name === undefined ? [] : [{ Name: 'tag:Name', Values: [name] }]),
      { Name: 'tag-key', Values: [keys.cluster] },
      { Name: 'tag-key', Values: [keys.role] },
      { Name: 'instance-state-name', Values: liveStates },
    ],
  })
  const matches = found.filter(isVm).filter((vm) => isMatch(vm, keys, name))
  // Pages may overlap, and one VM on two of them is no twin.
  return [...new Map(matches.map((vm) => [vm.InstanceId, vm])).values()]
}

/** Filters take wildcards, and other servers than EC2 do not know them all: so the answer is checked too. */
function isMatch(vm: Vm, keys: TagKeys, name: string | undefined): boolean {
  if (!isLive(vm)) return false
  // An answer without any tags is one that leaves them out: the VM was found by them.
  if (vm.Tags === undefined) return true
  return hasTagKeys(vm, keys) && (name === undefined || tagOf(vm, 'Name') === name)
}

/** The VM with an id; undefined when there is none, or it is going. */
export async function findById(ec2: Ec2, id: string): Promise<Vm | undefined> {
  try {
    const found = await ec2.describeInstances('instance_get_by_id', { InstanceIds: [id] })
    return found.filter(isVm).find(isLive)
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/** Whether EC2 says that it does not know an instance. */
export function isNotFound(error: unknown): boolean {
  return MachineError.is(error) && error.reason === 'InvalidInstanceID.NotFound'
}

/** Whether a VM carries the mark of some cluster, and not of this one. */
export function isForeign({ Tags = [] }: Instance, { cluster }: TagKeys): boolean {
  const keys = Tags.flatMap(({ Key = '' }) => (Key.includes(clusterWord) ? [Key] : []))
  return keys.length > 0 && !keys.includes(cluster)
}
