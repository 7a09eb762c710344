import type { Driver, JsonValue } from '@mcm/sdk'

/** The CSI driver of the simulated cloud. It has no in-tree volumes. */
const csiDriver = 'fake.csi.mcm.dev'

export const getVolumeIDs: Required<Driver>['getVolumeIDs'] = async ({ pvSpecs }) => ({
  volumeIDs: pvSpecs.flatMap(({ csi }) => volumeHandleOf(csi) ?? []),
})

function volumeHandleOf(csi: JsonValue | undefined): string | undefined {
  if (typeof csi !== 'object' || csi === null || Array.isArray(csi) || csi.driver !== csiDriver) return undefined
  return typeof csi.volumeHandle === 'string' && csi.volumeHandle !== '' ? csi.volumeHandle : undefined
}
