import { deterministicUuid, isDnsSubdomain, type Machine, MachineError, providerID } from '@mcm/sdk'
import type { ProviderSpec } from '../provider-spec.ts'
import type { DomainRef } from '../rpc/index.ts'
import type { MachineTags } from '../xml/index.ts'

/** Who a machine's VM is. All of it follows from the cluster and the Machine, so that it is found again after any crash. */
export interface Identity {
  readonly cluster: string
  readonly namespace: string
  readonly machine: string
  readonly uuid: string
  readonly domainName: string
  /** What the names of its files start with, before an underscore. */
  readonly stem: string
}

type Names = Pick<Identity, 'cluster' | 'namespace' | 'machine'>

/** The identity of a Machine's VM. Refuses names that a file or a guest could not have. */
export function identityOf({ metadata }: Machine, { cluster }: Pick<ProviderSpec, 'cluster'>): Identity {
  const { name, namespace } = metadata
  checkName('name', name)
  // A client that is no controller may leave it out.
  if (namespace !== '') checkName('namespace', namespace)
  const stem = stemOf({ cluster, namespace, machine: name })
  const uuid = uuidFor({ cluster, namespace, machine: name })
  return { cluster, namespace, machine: name, uuid, domainName: stem, stem }
}

/** The identity of a domain that is there; somebody may have renamed it. */
export function identityOfDomain(domain: DomainRef, tags: MachineTags): Identity {
  const { cluster, namespace, machine } = tags
  return { cluster, namespace, machine, uuid: domain.uuid, domainName: domain.name, stem: stemOf(tags) }
}

/** The UUID that this plugin gives to the VM of a machine. */
export function uuidFor({ cluster, namespace, machine }: Names): string {
  return deterministicUuid(cluster, namespace, machine)
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
    { violations: [{ path: 'machine.spec.providerID', message: 'must be libvirt:///<uuid>' }] },
  )
}

/** None of the three can hold an underscore, so different machines differ here too. */
function stemOf({ cluster, namespace, machine }: Names): string {
  return `${cluster}_${namespace}_${machine}`
}

function checkName(what: 'name' | 'namespace', value: string): void {
  if (isDnsSubdomain(value) && value.length <= maxNameLength) return
  const shown = JSON.stringify(value.slice(0, 80))
  const message = `must be a DNS name of at most ${maxNameLength} characters`
  throw new MachineError('InvalidArgument', `machine ${what} ${shown} ${message}`, {
    violations: [{ path: `machine.metadata.${what}`, message }],
  })
}

// With a cluster of 100 characters and the longest suffix, two of them fit into a file name of 255 bytes. One fits into
// a host name.
const maxNameLength = 63
