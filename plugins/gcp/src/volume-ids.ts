import type { JsonObject, JsonValue } from '@mcm/sdk'

const csiDriver = 'pd.csi.storage.gke.io'

/** The names or handles of those persistent-volume specs that are disks of Compute Engine, in order. */
export async function getVolumeIDs({
  pvSpecs,
}: {
  pvSpecs: readonly (JsonObject | null)[]
}): Promise<{ volumeIDs: string[] }> {
  const ids = pvSpecs.map((spec) => {
    const disk = textOf(spec?.gcePersistentDisk, 'pdName')
    if (disk !== '') return disk
    return textOf(spec?.csi, 'driver') === csiDriver ? textOf(spec?.csi, 'volumeHandle') : ''
  })
  return { volumeIDs: ids.filter((id) => id !== '') }
}

function textOf(source: JsonValue | undefined, key: string): string {
  if (typeof source !== 'object' || source === null || Array.isArray(source)) return ''
  const value = source[key]
  return typeof value === 'string' ? value : ''
}
