import { ApiError, invalid, notFound } from './api-error.ts'
import type { Catalogue } from './catalogue.ts'
import type { DiskResource, InstanceResource } from './instance.ts'
import { parseLink, pathOf } from './link.ts'
import { type Place, regionOf } from './place.ts'

const nameRule = '[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?'
const isName = (text: unknown) => new RegExp(`^(?:${nameRule})$`).test(String(text ?? ''))

/** Refuses what Compute refuses in an instance at once, in the order and the words of Compute. */
export function checkLaunch(body: InstanceResource, place: Place, catalogue: Catalogue): void {
  if (!isName(body.name)) throw invalid('resource.name', body.name, `Must be a match of regex '(?:${nameRule})'`)
  checkMachineType(body, place, catalogue)
  checkDisks(body.disks ?? [], place, catalogue)
  checkNetwork(body, place, catalogue)
  checkScheduling(body, place, catalogue)
  checkTexts(body)
}

function checkMachineType({ machineType }: InstanceResource, { project, zone }: Place, { machineTypes }: Catalogue) {
  const { name, scope } = parseLink(machineType, 'machineTypes', project, 'resource.machineType')
  if (machineTypes.has(name) && scope === `zones/${zone}`) return
  throw invalid(
    'resource.machineType',
    machineType,
    `Machine type with name '${name}' does not exist in zone '${zone}'.`,
  )
}

function checkDisks(disks: DiskResource[], { project, zone }: Place, { diskTypes, images }: Catalogue) {
  if (!disks[0]?.boot) throw invalid('resource.disks', '', 'Boot disk must be the first disk attached to the instance.')
  disks.forEach((disk, i) => {
    const field = `resource.disks[${i}]`
    const { diskType, sourceImage, diskSizeGb } = disk.initializeParams ?? {}
    if (i > 0 && disk.boot) throw invalid(field, '', 'Only one boot disk can be attached to an instance.')
    if (!disk.initializeParams && !disk.source) throw invalid(field, '', 'Either source or initializeParams is needed.')
    if (diskType !== undefined) {
      const link = parseLink(diskType, 'diskTypes', project, `${field}.initializeParams.diskType`)
      if (!diskTypes.has(link.name) || link.scope !== `zones/${zone}`) throw notFound(pathOf(link))
      const isScratch = disk.type === 'SCRATCH'
      if (isScratch !== (link.name === 'local-ssd'))
        throw invalid(`${field}.type`, disk.type, 'It does not fit the disk type.')
    }
    const size = Number(diskSizeGb ?? 10)
    if (size < 1) throw invalid(`${field}.initializeParams.diskSizeGb`, diskSizeGb, 'Must be at least 1.')
    if (sourceImage === undefined) {
      if (disk.boot && !disk.source) throw invalid(field, '', 'A boot disk needs a source image.')
      return
    }
    const link = parseLink(sourceImage, 'images', project, `${field}.initializeParams.sourceImage`)
    const image = [...images].find(([key, { family }]) => {
      return (
        key === `${link.project}/${link.name}` ||
        (key.startsWith(`${link.project}/`) && link.name === `family/${family}`)
      )
    })?.[1]
    if (!image) throw notFound(pathOf(link))
    if (diskSizeGb !== undefined && size < Number(image.diskSizeGb)) {
      const why = `Requested disk size cannot be smaller than the image size (${image.diskSizeGb} GB)`
      throw invalid(`${field}.initializeParams.diskSizeGb`, diskSizeGb, why)
    }
  })
}

function checkNetwork(body: InstanceResource, { project, zone }: Place, { networks, subnetworks }: Catalogue) {
  const nics = body.networkInterfaces ?? []
  if (nics.length === 0) throw invalid('resource.networkInterfaces', '', 'At least one network interface is required.')
  nics.forEach((nic, i) => {
    const field = `resource.networkInterfaces[${i}]`
    const network =
      nic.network === undefined ? undefined : parseLink(nic.network, 'networks', project, `${field}.network`)
    if (network && !networks.has(network.name)) throw notFound(pathOf(network))
    if (nic.subnetwork === undefined) return
    const link = parseLink(nic.subnetwork, 'subnetworks', project, `${field}.subnetwork`)
    const subnetwork = subnetworks.get(link.name)
    if (!subnetwork || link.scope !== `regions/${regionOf(zone)}`) throw notFound(pathOf(link))
    if (network && network.name !== subnetwork.network) {
      throw invalid(`${field}.subnetwork`, nic.subnetwork, 'The subnetwork must be of the network that is given.')
    }
    if (nic.stackType === 'IPV4_IPV6' && !subnetwork.isDualStack) {
      throw invalid(`${field}.stackType`, nic.stackType, 'The subnetwork has no IPv6 range.')
    }
  })
}

function checkScheduling(body: InstanceResource, { project, zone }: Place, { acceleratorTypes }: Catalogue) {
  const { preemptible, automaticRestart, onHostMaintenance } = body.scheduling ?? {}
  if (preemptible && automaticRestart) {
    throw invalid(
      'resource.scheduling.preemptible',
      true,
      'Scheduling must have preemptible be false when AutomaticRestart is true.',
    )
  }
  const accelerators = body.guestAccelerators ?? []
  if (accelerators.length > 0 && onHostMaintenance !== 'TERMINATE') {
    throw new ApiError(400, 'badRequest', 'Instances with guest accelerators do not support live migration.')
  }
  accelerators.forEach(({ acceleratorType, acceleratorCount = 0 }, i) => {
    const field = `resource.guestAccelerators[${i}]`
    const link = parseLink(acceleratorType, 'acceleratorTypes', project, `${field}.acceleratorType`)
    if (!acceleratorTypes.has(link.name) || link.scope !== `zones/${zone}`) throw notFound(pathOf(link))
    if (acceleratorCount < 1) throw invalid(`${field}.acceleratorCount`, acceleratorCount, 'Must be at least 1.')
  })
}

function checkTexts({ tags, labels = {}, metadata, serviceAccounts = [] }: InstanceResource) {
  const items = tags?.items ?? []
  for (const [i, tag] of items.entries()) {
    if (!isName(tag)) throw invalid(`resource.tags.items[${i}]`, tag, `Must be a match of regex '(?:${nameRule})'`)
  }
  if (items.length > 64 || new Set(items).size < items.length)
    throw invalid('resource.tags', items, 'At most 64, each once.')
  for (const [key, value] of Object.entries(labels)) {
    const isGood = /^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\d_-]{0,62}$/u.test(key) && /^[\p{Ll}\p{Lo}\d_-]{0,63}$/u.test(value)
    if (!isGood)
      throw invalid('resource.labels', `${key}=${value}`, 'Label keys and values are lower case, at most 63.')
  }
  const keys = (metadata?.items ?? []).map(({ key }) => key)
  for (const [i, key] of keys.entries()) {
    const field = `resource.metadata.items[${i}].key`
    if (!/^[\w-]{1,128}$/.test(key ?? '')) throw invalid(field, key, "Must be a match of regex '[a-zA-Z0-9-_]{1,128}'")
    if (keys.indexOf(key) < i) throw invalid('resource.metadata', key, `Metadata has duplicate key: ${key}`)
  }
  const size = (metadata?.items ?? []).reduce((sum, { value = '' }) => sum + Buffer.byteLength(value), 0)
  if (size > 512 * 1024) throw invalid('resource.metadata', '', 'Metadata is limited to 512 KB.')
  if (serviceAccounts.length > 1)
    throw invalid('resource.serviceAccounts', '', 'At most one service account can be specified.')
}
