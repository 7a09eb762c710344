import { type Machine, MachineError } from '@mcm/sdk'
import type { ProviderSpec } from '../provider-spec.ts'
import type { DomainRef, Libvirt } from '../rpc/index.ts'
import { type MachineTags, readTags, tagsNamespace, XmlError } from '../xml/index.ts'
import { identityOf, providerIDOf, uuidOf } from './identity.ts'

/** A domain that one of our tags says is a machine's. */
export interface MachineDomain {
  readonly domain: DomainRef
  readonly tags: MachineTags
}

/**
 * The domains of a Machine: the one that its providerID names, else those that its name means. A domain that is not of
 * this Machine is never returned: a providerID that names one is an error, so that nobody takes it for gone.
 */
export async function findMachine(libvirt: Libvirt, machine: Machine, spec: ProviderSpec): Promise<MachineDomain[]> {
  const { providerID } = machine.spec
  if (!providerID) return await findByMachineName(libvirt, machine, spec)
  const found = await ownDomain(libvirt, uuidOf(providerID), spec)
  if (!found) return []
  checkBelongs(found, machine)
  return [found]
}

/** The domains of a Machine, whatever its providerID says. */
export async function findByMachineName(
  libvirt: Libvirt,
  machine: Machine,
  spec: ProviderSpec,
): Promise<MachineDomain[]> {
  const { uuid, machine: name, namespace } = identityOf(machine, spec)
  const own = await ownDomain(libvirt, uuid, spec)
  if (own) return [own]
  // Not under the UUID that we would give: perhaps somebody imported it. Its tags still say whose it is.
  const all = await listMachineDomains(libvirt, spec)
  return all.filter(({ tags }) => tags.machine === name && tags.namespace === namespace)
}

/** The one domain of a Machine. `NotFound` without, `OutOfRange` with several. */
export async function findOneMachine(libvirt: Libvirt, machine: Machine, spec: ProviderSpec): Promise<MachineDomain> {
  const found = onlyOne(await findMachine(libvirt, machine, spec), machine)
  if (found) return found
  const name = machine.metadata.name || machine.spec.providerID
  throw new MachineError('NotFound', `cluster ${spec.cluster} has no VM of machine ${name} at ${spec.uri}`)
}

/** The only one of them, if there is any. `OutOfRange` with several. */
export function onlyOne(found: readonly MachineDomain[], machine: Machine): MachineDomain | undefined {
  if (found.length > 1) {
    const ids = found.map(({ domain }) => providerIDOf(domain.uuid)).join(', ')
    throw new MachineError('OutOfRange', `machine ${machine.metadata.name} has several VMs: ${ids}`)
  }
  return found[0]
}

/** All domains of the cluster. */
export async function listMachineDomains(
  libvirt: Libvirt,
  { cluster }: Pick<ProviderSpec, 'cluster'>,
): Promise<MachineDomain[]> {
  const domains = await libvirt.domains.list()
  const found = await Promise.all(domains.map(async (domain) => ({ domain, tags: await tagsOf(libvirt, domain) })))
  return found.flatMap(({ domain, tags }) => (tags?.cluster === cluster ? [{ domain, tags }] : []))
}

/** The domain with this UUID. One that is not of this cluster is an error. */
async function ownDomain(
  libvirt: Libvirt,
  uuid: string,
  { cluster }: ProviderSpec,
): Promise<MachineDomain | undefined> {
  const domain = await libvirt.domains.findByUuid(uuid)
  if (!domain) return undefined
  const tags = await tagsOf(libvirt, domain)
  if (tags?.cluster === cluster) return { domain, tags }
  const whose = tags ? `belongs to cluster ${JSON.stringify(tags.cluster)}` : 'has none of our tags'
  throw foreign(domain, `${whose}, not to ${JSON.stringify(cluster)}`)
}

/** Orphan collection may know no name, and a client no namespace. What is known must fit. */
function checkBelongs({ domain, tags }: MachineDomain, { metadata: { name, namespace } }: Machine): void {
  const fits = (wanted: string, actual: string) => wanted === '' || actual === '' || wanted === actual
  if (fits(name, tags.machine) && fits(namespace, tags.namespace)) return
  throw foreign(domain, `belongs to machine ${tags.namespace}/${tags.machine}, not to ${namespace}/${name}`)
}

async function tagsOf(libvirt: Libvirt, domain: DomainRef): Promise<MachineTags | undefined> {
  const xml = await libvirt.domains.metadata(domain, { namespace: tagsNamespace })
  if (xml === undefined) return undefined
  try {
    return readTags(xml)
  } catch (error) {
    // Not written by us. One such domain must not spoil the list of all others.
    if (error instanceof XmlError) return undefined
    throw error
  }
}

function foreign(domain: DomainRef, why: string): MachineError {
  const text = `domain ${domain.name} (${providerIDOf(domain.uuid)}) ${why}; it is left alone`
  return new MachineError('FailedPrecondition', text, { reason: 'FOREIGN_DOMAIN' })
}
