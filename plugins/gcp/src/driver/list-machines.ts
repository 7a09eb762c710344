import type { CallContext } from '@mcm/sdk'
import { zoneFor } from '../cloud/compute.ts'
import { isOwned, ownerTagsOf } from '../spec/tags.ts'
import { type GcpClassCall, specOf } from './call.ts'
import { providerIDOf } from './identity.ts'
import { prefixed } from './prefixed.ts'
import { withoutCapacity } from './recoded.ts'

/**
 * All VMs of the cluster and role in the zone, in whatever state. Their tags are compared here: that Compute can filter
 * by network tags stands nowhere.
 */
export async function listMachines(
  call: GcpClassCall,
  context: CallContext,
): Promise<{ machineList: Record<string, string> }> {
  const run = async () => {
    const spec = specOf(call)
    const zone = await zoneFor(spec.zone, call.secret, context)
    const tags = ownerTagsOf(spec.tags)
    const names = (await zone.list()).flatMap((vm) => (vm.name && isOwned(vm.tags?.items, tags) ? [vm.name] : []))
    return { machineList: Object.fromEntries(names.map((name) => [providerIDOf(zone, name), name])) }
  }
  return await prefixed('List machines failed', () => withoutCapacity(run))
}
