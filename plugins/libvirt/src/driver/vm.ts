import type { MachineVm, NodeAddress } from '@mcm/sdk'
import { type DomainRef, type DomainState, isLibvirtError, type Libvirt } from '../rpc/index.ts'
import { providerIDOf } from './identity.ts'

/** The machine as it is now; not waited for its boot, which the Node will tell. */
export async function describeVm(libvirt: Libvirt, domain: DomainRef, machine: string): Promise<MachineVm> {
  return {
    providerID: providerIDOf(domain.uuid),
    nodeName: machine,
    addresses: await addressesOf(libvirt, domain, machine),
  }
}

/** Whether a guest is there, running or held. */
export function isOn({ state }: DomainState): boolean {
  return state !== 'shutoff' && state !== 'crashed' && state !== 'shutdown' && state !== 'nostate'
}

/** The name, and the addresses that libvirt knows: those that its own networks have leased. */
async function addressesOf(libvirt: Libvirt, domain: DomainRef, machine: string): Promise<NodeAddress[]> {
  const name = { type: 'Hostname', address: machine }
  try {
    const interfaces = await libvirt.domains.interfaceAddresses(domain, 'lease')
    const leased = interfaces.flatMap(({ addresses }) =>
      addresses.map(({ address }) => ({ type: 'InternalIP', address })),
    )
    return [name, ...leased]
  } catch (error) {
    // It does not run, or its networks lease nothing.
    if (isLibvirtError(error)) return [name]
    throw error
  }
}
