import type { JsonObject } from '@mcm/sdk'

/** Name of the CSI driver whose volumes are volumes of libvirt. */
export const csiDriver = 'libvirt.csi.mcm.dev'

/** The handles of those persistent-volume specs that this CSI driver made. */
export async function getVolumeIDs({ pvSpecs }: { pvSpecs: readonly JsonObject[] }): Promise<{ volumeIDs: string[] }> {
  const volumeIDs = pvSpecs.flatMap(({ csi }) => {
    if (typeof csi !== 'object' || csi === null || Array.isArray(csi)) return []
    const { driver, volumeHandle } = csi
    // Callers look for ids as regular expressions: an empty one would be found everywhere.
    return driver === csiDriver && typeof volumeHandle === 'string' && volumeHandle !== '' ? [volumeHandle] : []
  })
  return { volumeIDs }
}
