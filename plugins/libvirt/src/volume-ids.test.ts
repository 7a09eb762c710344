import { expect, test } from 'vitest'
import { csiDriver, getVolumeIDs } from './volume-ids.ts'

test('the handles of our own volumes, in order, and no others', async () => {
  const ours = (volumeHandle: string) => ({ csi: { driver: csiDriver, volumeHandle } })
  const pvSpecs = [
    ours('one'),
    { csi: { driver: 'ebs.csi.aws.com', volumeHandle: 'vol-1' } },
    { csi: { driver: csiDriver } },
    { csi: { driver: csiDriver, volumeHandle: 7 } },
    ours(''),
    { csi: null },
    { csi: [] },
    { csi: csiDriver },
    { hostPath: { path: '/data' } },
    {},
    ours('two'),
  ]
  expect(await getVolumeIDs({ pvSpecs })).toEqual({ volumeIDs: ['one', 'two'] })
  expect(await getVolumeIDs({ pvSpecs: [] })).toEqual({ volumeIDs: [] })
})
