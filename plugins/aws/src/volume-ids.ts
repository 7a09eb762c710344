import type { JsonObject, JsonValue } from '@mcm/sdk'

const csiDriver = 'ebs.csi.aws.com'

/** The ids of those persistent-volume specs that are EBS volumes, in order. */
export async function getVolumeIDs({
  pvSpecs,
}: {
  pvSpecs: readonly (JsonObject | null)[]
}): Promise<{ volumeIDs: string[] }> {
  const ids = pvSpecs.map((spec) => inTreeId(spec?.awsElasticBlockStore) ?? csiId(spec?.csi) ?? '')
  return { volumeIDs: ids.filter((id) => id !== '') }
}

/** `vol-1`, or `aws://<zone>/vol-1`; a URL that holds no volume id gives nothing. */
function inTreeId(source: JsonValue | undefined): string | undefined {
  if (!isObject(source) || typeof source.volumeID !== 'string') return undefined
  if (!source.volumeID.startsWith('aws://')) return source.volumeID
  const id = (URL.parse(source.volumeID)?.pathname ?? '').replace(/^\/+|\/+$/g, '')
  return /^vol-[^/]*$/.test(id) ? id : ''
}

function csiId(source: JsonValue | undefined): string | undefined {
  if (!isObject(source) || source.driver !== csiDriver) return undefined
  return typeof source.volumeHandle === 'string' ? source.volumeHandle : undefined
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
