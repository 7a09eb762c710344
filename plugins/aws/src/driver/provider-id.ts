import { MachineError } from '@mcm/sdk'

/** `aws:///<region>/<id>`. Upstream compares these as texts, so every byte counts. */
export function formatProviderID(region: string, id: string): string {
  return `aws:///${region}/${id}`
}

/** What a providerID says. */
export interface InstanceReference {
  id: string
  region: string
}

/**
 * Reads a providerID. The last segment is the id, whatever comes before. Where the one before names another region than
 * the class, the VM is there; the AWS cloud-controller-manager writes a zone instead, which is of the class's region.
 *
 * @returns undefined without an id: then only tags can tell.
 */
export function parseProviderID(providerID: string | undefined, region: string): InstanceReference | undefined {
  if (!providerID) return undefined
  const segments = providerID.split('/')
  const [place = '', id = ''] = segments.slice(-2)
  if (segments.length < 2) throw new MachineError('InvalidArgument', 'unable to decode provider-ID')
  if (id === '') return undefined
  return { id, region: regionName.test(place) ? place : region }
}

const regionName = /^[a-z]{2,}(-[a-z]+)+-\d+$/
