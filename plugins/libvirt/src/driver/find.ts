import { type Machine, MachineError } from '@mcm/sdk'
import type { ProviderSpec } from '../provider-spec.ts'
import { type DomainRef, errorCode, isLibvirtError, type Libvirt } from '../rpc/index.ts'
import { type MachineTags, readTags, tagsNamespace } from '../xml/index.ts'
import { identityOf, providerIDOf, uuidOf } from './identity.ts'

/** A domain that one of our tags says is a machine's. */
export interface MachineDomain {
  domain: DomainRef
  tags: MachineTags
}

/**
 * The domains of a Machine: the one that its providerID names, else those that its name means. A domain that is not of
 * this cluster is never returned: a providerID that names one is an error, so that nobody takes it for gone.
 */
export async function findMachine(libvirt: Libvirt, machine: Machine, spec: ProviderSpec): Promise<MachineDomain[]> {
  if (machine.spec.providerID) {
    const found = await byUuid(libvirt, uuidOf(machine.spec.providerID))
    if (!found) return []
    if (found.tags?.cluster === spec.cluster) return [{ ...found, tags: found.tags }]
    throw foreign(found, spec)
  }
  const { uuid, machine: name, namespace } = identityOf(machine, spec)
  const own = await byUuid(libvirt, uuid)
  if (own?.tags?.cluster === spec.cluster) return [{ ...own, tags: own.tags }]
  if (own) throw foreign(own, spec)
  // Not under the UUID that we would give: perhaps somebody imported it. Its tags still say whose it is.
  const all = await listMachineDomains(libvirt, spec)
  return all.filter(({ tags }) => tags.machine === name && tags.namespace === namespace)
}

/** The one domain of a Machine. `NotFound` without, `OutOfRange` with several. */
export async function findOneMachine(libvirt: Libvirt, machine: Machine, spec: ProviderSpec): Promise<MachineDomain> {
  const [found, ...others] = await findMachine(libvirt, machine, spec)
  const name = machine.metadata.name || machine.spec.providerID
  if (!found) throw new MachineError('NotFound', `cluster ${spec.cluster} has no VM of machine ${name} at ${spec.uri}`)
  if (others.length > 0) {
    const ids = [found, ...others].map(({ domain }) => providerIDOf(domain.uuid)).join(', ')
    throw new MachineError('OutOfRange', `machine ${name} has several VMs: ${ids}`)
  }
  return found
}

/** All domains of the cluster. */
export async function listMachineDomains(libvirt: Libvirt, { cluster }: ProviderSpec): Promise<MachineDomain[]> {
  const domains = await libvirt.domains.list()
  const found = await Promise.all(domains.map(async (domain) => ({ domain, tags: await tagsOf(libvirt, domain) })))
  return found.flatMap(({ domain, tags }) => (tags?.cluster === cluster ? [{ domain, tags }] : []))
}

async function byUuid(
  libvirt: Libvirt,
  uuid: string,
): Promise<{ domain: DomainRef; tags: MachineTags | undefined } | undefined> {
  const domain = await libvirt.domains.findByUuid(uuid)
  return domain && { domain, tags: await tagsOf(libvirt, domain) }
}

async function tagsOf(libvirt: Libvirt, domain: DomainRef): Promise<MachineTags | undefined> {
  try {
    const xml = await libvirt.domains.metadata(domain, { namespace: tagsNamespace })
    return xml === undefined ? undefined : readTags(xml)
  } catch (error) {
    // It went between the listing and the question.
    if (isLibvirtError(error, errorCode.noDomain)) return undefined
    throw error
  }
}

function foreign({ domain, tags }: { domain: DomainRef; tags: MachineTags | undefined }, { cluster }: ProviderSpec) {
  const whose = tags ? `belongs to cluster ${JSON.stringify(tags.cluster)}` : 'has none of our tags'
  const text = `domain ${domain.name} (${providerIDOf(domain.uuid)}) ${whose}, not to ${JSON.stringify(cluster)}; it is left alone`
  return new MachineError('FailedPrecondition', text, { reason: 'FOREIGN_DOMAIN' })
}
