import { catalog, offered } from './catalog.ts'
import type { Credential } from './credential.ts'
import { CloudError } from './error.ts'
import type { Instance, InstanceRequest } from './instance.ts'
import { countedBy } from './instance-table.ts'
import type { Settings } from './settings.ts'
import type { Store } from './store.ts'

/** Refuses what the cloud does not offer. */
export function checkRequest({ region, zone, machineType, image, disk }: InstanceRequest): void {
  const zones = offered<readonly string[]>(catalog.regions, region)
  if (!zones) throw invalid('region', region, Object.keys(catalog.regions))
  if (!zones.includes(zone)) throw invalid(`zone of ${region}`, zone, zones)
  if (!offered(catalog.machineTypes, machineType)) {
    throw invalid('machine type', machineType, Object.keys(catalog.machineTypes))
  }
  const found = offered(catalog.images, image)
  if (!found) {
    throw new CloudError(
      'ImageNotFound',
      `there is no image ${image}; there are ${Object.keys(catalog.images).join(', ')}`,
    )
  }
  if (disk.sizeGiB < found.minDiskGiB) {
    throw new CloudError(
      'SizeOutOfRange',
      `image ${image} needs a disk of ${found.minDiskGiB} GiB, not ${disk.sizeGiB}`,
    )
  }
}

/** Refuses what a quota forbids. */
export function checkQuotas(
  store: Store,
  credential: Credential,
  request: InstanceRequest,
  settings: Settings,
  now: number,
): void {
  for (const quota of settings.quotas) {
    const counted = countedBy(quota, store, credential, request, now)
    if (counted && counted.count >= quota.instances) {
      throw new CloudError(
        'QuotaExceeded',
        `${quota.per} ${counted.name} may have ${quota.instances} instances and has ${counted.count}`,
      )
    }
  }
}

/** In what an instance differs from a request; only what cannot be changed without a new instance. */
export function differencesOf(
  instance: Instance,
  request: Pick<InstanceRequest, (typeof fixedProperties)[number]>,
): (typeof fixedProperties)[number][] {
  return fixedProperties.filter((key) => instance[key] !== request[key])
}

const fixedProperties = ['region', 'zone', 'machineType', 'image', 'spot'] as const

function invalid(what: string, value: string, known: readonly string[]): CloudError {
  return new CloudError('InvalidParameter', `there is no ${what} ${value}; there are ${known.join(', ')}`)
}
