import {
  deterministicUuid,
  idOfProviderID,
  type Machine,
  MachineError,
  type MachineVm,
  type NodeAddress,
  providerID,
} from '@mcm/sdk'
import type { Instance } from '../cloud/index.ts'
import type { FakeSpec } from '../provider-spec.ts'

/** The keys of tags that name a cluster. A valid providerSpec has exactly one. */
export function clusterTagsOf(tags: Record<string, string>): string[] {
  return Object.keys(tags).filter((key) => key.startsWith(clusterTagPrefix) && key.length > clusterTagPrefix.length)
}

/** The key of the tag that all VMs of the cluster carry. */
export function clusterTagOf(spec: FakeSpec): string {
  const [tag] = clusterTagsOf(spec.tags)
  if (tag === undefined) throw new MachineError('InvalidArgument', `providerSpec.tags needs ${clusterTagPrefix}<name>`)
  return tag
}

/** What the creation of a Machine's VM is known by, however often it is repeated. */
export function clientTokenOf(spec: FakeSpec, machineName: string): string {
  return deterministicUuid(clusterTagOf(spec), machineName)
}

/** The VM of an instance, as the contract has it. */
export function vmOf(instance: Instance): MachineVm {
  const addresses: NodeAddress[] = instance.addresses.flatMap((address) => [
    { type: 'InternalIP', address: address.private },
    ...(address.public === undefined ? [] : [{ type: 'ExternalIP', address: address.public }]),
  ])
  return { providerID: providerIDOf(instance), nodeName: instance.name, addresses }
}

/** `fake:///<region>/<id>`. */
export function providerIDOf({ region, id }: { region: string; id: string }): string {
  return providerID(scheme, '', region, id)
}

/**
 * Where the instance is that `spec.providerID` of a Machine names; `undefined` when there is none, which needs a
 * name to find it by.
 */
export function instanceNamedBy(machine: Machine): { region: string; id: string } | undefined {
  const text = machine.spec.providerID
  if (text === undefined || text === '') {
    if (machine.metadata.name !== '') return undefined
    throw new MachineError('InvalidArgument', 'the Machine has neither a name nor a spec.providerID to find its VM by')
  }
  const region = /^fake:\/\/\/([^/]+)\/[^/]+$/.exec(text)?.[1]
  if (region !== undefined) return { region: decodeURIComponent(region), id: idOfProviderID(text) }
  throw new MachineError(
    'InvalidArgument',
    `spec.providerID ${text} of Machine ${machine.metadata.name} is not of this provider; ` +
      `its form is ${scheme}:///<region>/<instance id>`,
  )
}

const scheme = 'fake'
const clusterTagPrefix = 'kubernetes.io/cluster/'
