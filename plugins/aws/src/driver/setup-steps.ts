import type { InstanceNetworkInterface } from '@aws-sdk/client-ec2'
import { placeOf } from '../spec/network-interfaces.ts'
import type { ProviderSpec } from '../spec/provider-spec.ts'
import type { Vm } from './instance.ts'

/** What InitializeMachine has yet to do on one network interface. */
export type SetupStep =
  /** EC2 does not show them yet, so nothing can be said of them. */
  | { kind: 'see-interfaces' }
  | { kind: 'switch-check-off'; nicId: string }
  | { kind: 'assign-prefixes'; nicId: string; missing: number; wanted: number; specIndex: number }

/** What a VM lacks of its class. GetMachineStatus and InitializeMachine both go by this. */
export function setupSteps(spec: ProviderSpec, { NetworkInterfaces = [] }: Vm): SetupStep[] {
  return [...checkSteps(spec, NetworkInterfaces), ...prefixSteps(spec, NetworkInterfaces)]
}

function checkSteps({ srcAndDstChecksEnabled }: ProviderSpec, nics: readonly InstanceNetworkInterface[]): SetupStep[] {
  if (srcAndDstChecksEnabled !== false) return []
  if (nics.length === 0) return [{ kind: 'see-interfaces' }]
  return nics
    .filter(({ SourceDestCheck = true, InterfaceType = '' }) => {
      // EFAs have no such check to switch off.
      return SourceDestCheck && InterfaceType !== 'efa' && InterfaceType !== 'efa-only'
    })
    .map(({ NetworkInterfaceId = '' }) => ({ kind: 'switch-check-off', nicId: NetworkInterfaceId }))
}

function prefixSteps({ networkInterfaces = [] }: ProviderSpec, nics: readonly InstanceNetworkInterface[]): SetupStep[] {
  return nics.flatMap(({ Attachment, NetworkInterfaceId = '', Ipv6Prefixes = [] }): SetupStep[] => {
    if (!Attachment) return []
    const place = `${Attachment.NetworkCardIndex ?? 0}/${Attachment.DeviceIndex ?? 0}`
    const specIndex = networkInterfaces.findIndex((nic, i) => placeOf(nic, i) === place)
    const wanted = networkInterfaces[specIndex]?.ipv6PrefixCount ?? 0
    const missing = wanted - Ipv6Prefixes.length
    return missing > 0 ? [{ kind: 'assign-prefixes', nicId: NetworkInterfaceId, missing, wanted, specIndex }] : []
  })
}
