import { deterministicUuid, isDnsSubdomain, type Machine, MachineError, providerID } from '@mcm/sdk'
import type { ProviderSpec } from '../provider-spec.ts'

/** Who a machine's VM is. All of it follows from the cluster and the Machine, so that it is found again after any crash. */
export interface Identity {
  cluster: string
  namespace: string
  machine: string
  uuid: string
  /** Name of the domain, and what names of its files start with. */
  domainName: string
}

/** The identity of a Machine's VM. Refuses names that a file or a guest could not have. */
export function identityOf({ metadata }: Machine, { cluster }: ProviderSpec): Identity {
  const { name, namespace } = metadata
  for (const [what, value] of [
    ['name', name],
    ['namespace', namespace],
  ] as const) {
    if (what === 'namespace' && value === '') continue
    if (!isDnsSubdomain(value) || value.length > maxNameLength) {
      const shown = JSON.stringify(value.slice(0, 80))
      throw new MachineError(
        'InvalidArgument',
        `machine ${what} ${shown} must be a DNS name of at most ${maxNameLength} characters`,
        {
          violations: [{ path: `machine.metadata.${what}`, message: 'must be a DNS name' }],
        },
      )
    }
  }
  return {
    cluster,
    namespace,
    machine: name,
    uuid: deterministicUuid(cluster, namespace, name),
    // None of the three can hold an underscore, so different machines differ here too.
    domainName: `${cluster}_${namespace}_${name}`,
  }
}

/** The providerID of a domain. */
export function providerIDOf(uuid: string): string {
  return providerID('libvirt', '', uuid)
}

/** The UUID in a providerID of this plugin. */
export function uuidOf(id: string): string {
  const uuid = /^libvirt:\/\/\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(id)?.[1]
  if (uuid !== undefined) return uuid
  throw new MachineError(
    'InvalidArgument',
    `providerID ${JSON.stringify(id.slice(0, 100))} is not of the form libvirt:///<uuid>`,
    {
      violations: [{ path: 'machine.spec.providerID', message: 'must be libvirt:///<uuid>' }],
    },
  )
}

// Three of them and a suffix must fit into a file name of 255 bytes, and one into a host name.
const maxNameLength = 63
