import type { Instance } from '@aws-sdk/client-ec2'
import type { MachineVm, NodeAddress } from '@mcm/sdk'
import type { TagKeys } from '../spec/tags.ts'
import { formatProviderID } from './provider-id.ts'

/** An instance that has an id; all but nonsense has. */
export type Vm = Instance & { InstanceId: string }

export function isVm(instance: Instance): instance is Vm {
  return instance.InstanceId !== undefined && instance.InstanceId !== ''
}

/** States of VMs that exist. One that is going, or gone, is none any more. */
export const liveStates = ['pending', 'running', 'stopping', 'stopped']

/** Whether it is there; an answer without a state says nothing against it. */
export function isLive({ State }: Instance): boolean {
  return State?.Name === undefined || liveStates.includes(State.Name)
}

/** The value of a tag; undefined without it. */
export function tagOf({ Tags = [] }: Instance, key: string): string | undefined {
  return Tags.find(({ Key }) => Key === key)?.Value
}

/** Whether it has both tags of cluster and role. */
export function hasTagKeys({ Tags = [] }: Instance, { cluster, role }: TagKeys): boolean {
  const keys = new Set(Tags.map(({ Key }) => Key))
  return keys.has(cluster) && keys.has(role)
}

/** What the contract calls a VM. */
export function vmOf(region: string, instance: Vm, nodeName = instance.PrivateDnsName ?? ''): MachineVm {
  const addresses = addressesOf(instance)
  return {
    providerID: formatProviderID(region, instance.InstanceId),
    nodeName,
    ...(addresses.length > 0 && { addresses }),
  }
}

function addressesOf({ PrivateIpAddress, PrivateDnsName, PublicIpAddress, ...instance }: Vm): NodeAddress[] {
  const ipv6 = (instance.NetworkInterfaces ?? []).flatMap(({ Ipv6Addresses = [] }) => Ipv6Addresses)
  const addresses: [type: string, address: string | undefined][] = [
    ['InternalIP', PrivateIpAddress],
    ...ipv6.map(({ Ipv6Address }): [string, string | undefined] => ['InternalIP', Ipv6Address]),
    ['ExternalIP', PublicIpAddress],
    ['InternalDNS', PrivateDnsName],
  ]
  return addresses.flatMap(([type, address]) => (address ? [{ type, address }] : []))
}
