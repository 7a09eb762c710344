import { type Machine, MachineError, type MachineVm, type NodeAddress } from '@mcm/sdk'
import type { Instance, Zone } from '../cloud/compute.ts'

type Place = Pick<Zone, 'project' | 'zone'>

/** The providerID of a VM, with upstream's three slashes. */
export function providerIDOf({ project, zone }: Place, name: string): string {
  return `gce:///${project}/${zone}/${name}`
}

/**
 * The name of a Machine's VM: its own. Only an orphan has no name, and then its providerID tells it; one of another
 * project or zone is none that this class can reach.
 */
export function vmNameOf({ metadata, spec }: Machine, place: Place): string {
  if (metadata.name !== '') return metadata.name
  const { providerID = '' } = spec
  const prefix = providerIDOf(place, '')
  const name = providerID.startsWith(prefix) ? providerID.slice(prefix.length) : ''
  if (/^[a-z0-9-]+$/.test(name)) return name
  const text = `the Machine has no name, and its providerID ${JSON.stringify(providerID)} names no VM of ${place.project} in ${place.zone}`
  throw new MachineError('InvalidArgument', text)
}

/** A VM as the contract has it. */
export function vmOf(place: Place, name: string, instance: Instance): MachineVm {
  return { providerID: providerIDOf(place, name), nodeName: name, addresses: addressesOf(instance) }
}

/** There is no VM of the Machine, in upstream's words. */
export function notFound(name: string): MachineError {
  return new MachineError('NotFound', `machine name=${name}, uuid= not found`)
}

function addressesOf({ networkInterfaces }: Instance): NodeAddress[] {
  return (networkInterfaces ?? []).flatMap(({ networkIP, ipv6Address, accessConfigs, ipv6AccessConfigs }) => [
    ...[networkIP, ipv6Address].flatMap((address) => (address ? [{ type: 'InternalIP', address }] : [])),
    ...[
      ...(accessConfigs ?? []).map(({ natIP }) => natIP),
      ...(ipv6AccessConfigs ?? []).map(({ externalIpv6 }) => externalIpv6),
    ].flatMap((address) => (address ? [{ type: 'ExternalIP', address }] : [])),
  ])
}
