import { expect, it } from 'vitest'
import { getVolumeIDs } from './volume-ids.ts'

const inTree = (volumeID: unknown) => ({ awsElasticBlockStore: { volumeID: volumeID as string } })
const csi = (volumeHandle: unknown, driver = 'ebs.csi.aws.com') => ({
  csi: { driver, volumeHandle: volumeHandle as string },
})

it.each([
  ['in-tree, with a zone', [inTree('aws://eu-west-1a/vol-1')], ['vol-1']],
  ['in-tree, without one', [inTree('aws:///vol-1')], ['vol-1']],
  ['in-tree, bare', [inTree('vol-1')], ['vol-1']],
  [
    'a URL that holds no volume',
    [inTree('aws://zone/disk-1'), inTree('aws://zone/a/vol-1'), inTree('aws://[x/vol-2')],
    [],
  ],
  ['CSI', [csi('vol-1')], ['vol-1']],
  ['CSI of another driver', [csi('vol-1', 'disk.csi.azure.com')], []],
  ['no handle', [csi(''), csi(undefined), csi(7), { csi: null }, { csi: [] }], []],
  ['other kinds, and nothing', [{ hostPath: { path: '/' } }, null, {}], []],
  ['a mix, in order', [csi('vol-b'), { hostPath: {} }, inTree('aws://z/vol-a'), csi('x', 'other')], ['vol-b', 'vol-a']],
])('V1 V2: knows the volume ids of %s', async (_, pvSpecs, volumeIDs) => {
  expect(await getVolumeIDs({ pvSpecs })).toEqual({ volumeIDs })
})
