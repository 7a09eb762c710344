import { type JsonObject, secretReader } from '@mcm/sdk'
import { describe, expect, it } from 'vitest'
import { secretKeys } from '../secret-keys.ts'
import { validate } from './validate.ts'

const disk = { ebs: { volumeType: 'gp2', volumeSize: 50 } }
const nic = { subnetID: 'subnet-1', securityGroupIDs: ['sg-1'] }
const base = {
  ami: 'ami-1',
  region: 'eu-west-1',
  machineType: 'm4.large',
  iam: { name: 'profile' },
  blockDevices: [disk],
  networkInterfaces: [nic],
  tags: { 'kubernetes.io/cluster/one': '1', 'kubernetes.io/role/node': '1' },
}
const keys = { providerAccessKeyId: 'a', providerSecretAccessKey: 'b', userData: 'x' }
const reader = (data: Record<string, string>) =>
  secretReader(secretKeys, Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text)])))
const paths = (spec: JsonObject, data: Record<string, string> = keys) =>
  validate({ spec, secret: reader(data) }).map(({ path }) => path)
const root = { deviceName: '/root', ...disk }
const data = (deviceName: string, ebs = {}) => ({ deviceName, ebs: { ...disk.ebs, ...ebs } })

describe('S1: a valid class', () => {
  it.each<[string, JsonObject]>([
    ['the base', {}],
    ['io1 with iops', { blockDevices: [{ ebs: { volumeType: 'io1', volumeSize: 50, iops: 400 } }] }],
    [
      'gp3 with iops and throughput',
      { blockDevices: [{ ebs: { volumeType: 'gp3', volumeSize: 50, iops: 1, throughput: 1 } }] },
    ],
    ['gp3 without either', { blockDevices: [{ ebs: { volumeType: 'gp3', volumeSize: 50 } }] }],
    ['several devices', { blockDevices: [root, data('/dev/sdb'), data('/dev/xvdaz')] }],
    ['a hard disk for data', { blockDevices: [root, data('/dev/sdb', { volumeType: 'st1', volumeSize: 125 })] }],
    ['any name of a single device', { blockDevices: [data('/dev/foo')] }],
    ['a hop limit of 32', { instanceMetadataOptions: { httpPutResponseHopLimit: 32 } }],
    [
      'each metadata value',
      { instanceMetadataOptions: { httpEndpoint: 'disabled', httpTokens: 'optional', httpProtocolIpv6: 'enabled' } },
    ],
    ['a reservation by id', { capacityReservation: { capacityReservationId: 'cr-1' } }],
    ['a reservation by ARN', { capacityReservation: { capacityReservationResourceGroupArn: 'arn' } }],
    [
      'a reservation by preference',
      { capacityReservation: { capacityReservationPreference: 'capacity-reservations-only' } },
    ],
    ['no CPU options', { cpuOptions: {} }],
    ['all CPU options', { cpuOptions: { coreCount: 8, threadsPerCore: 2, amdSevSnp: 'enabled' } }],
    ['a host of its own', { placement: { tenancy: 'host', hostId: 'h-1', affinity: 'host', partitionNumber: 1 } }],
    [
      'two network cards',
      { networkInterfaces: [nic, { ...nic, networkCardIndex: 1, deviceIndex: 0, interfaceType: 'efa-only' }] },
    ],
    [
      '49 tags and the Name',
      { tags: { ...base.tags, ...Object.fromEntries(Array.from({ length: 47 }, (_, i) => [`t${i}`, ''])), Name: 'x' } },
    ],
  ])('%s', (_, changes) => {
    expect(paths({ ...base, ...changes })).toEqual([])
  })

  it.each([
    { accessKeyID: 'a', secretAccessKey: 'b', userData: 'x' },
    { accessKeyId: 'a', secretAccessKey: 'b', userData: 'x' },
    { providerAccessKeyId: '', accessKeyID: 'a', providerSecretAccessKey: 'b', userData: 'x' },
    { workloadIdentityTokenFile: '/token', roleARN: 'arn', userData: 'x' },
  ])('takes the Secret %j', (secret) => {
    expect(paths(base, secret)).toEqual([])
  })
})

describe('S2 S5 S6: what is wrong, with its path', () => {
  it.each<[string, JsonObject]>([
    ['ami', { ami: '' }],
    ['region', { region: null }],
    ['region', { region: 'eu west' }],
    ['machineType', { machineType: '' }],
    ['ami', { ami: ' ' }],
    ['machineType', { machineType: ' ' }],
    [
      'capacityReservation.capacityReservationPreference',
      { capacityReservation: { capacityReservationPreference: 'some' } },
    ],
    ['blockDevices[0].ebs.volumeSize', { blockDevices: [data('', { volumeSize: -10 })] }],
    ['iam', { iam: {} }],
    ['iam', { iam: { name: 'a', arn: 'b' } }],
    ['tags[]', { tags: { 'kubernetes.io/role/node': '1' } }],
    ['tags[]', { tags: { 'kubernetes.io/cluster/one': '1' } }],
    ['tags["aws:x"]', { tags: { ...base.tags, 'aws:x': '1' } }],
    ['blockDevices[1].ebs.volumeSize', { blockDevices: [root, data('/dev/sdb', { volumeSize: -50 })] }],
    ['blockDevices[0].ebs.volumeSize', { blockDevices: [{ ebs: { volumeType: 'gp2', volumeSize: 0 } }] }],
    ['blockDevices[0].ebs.volumeType', { blockDevices: [{ ebs: { volumeSize: 50 } }] }],
    ['blockDevices[0].ebs.volumeType', { blockDevices: [data('', { volumeType: 'gp4' })] }],
    ['blockDevices[0].ebs.iops', { blockDevices: [data('', { volumeType: 'io1' })] }],
    ['blockDevices[0].ebs.iops', { blockDevices: [data('', { iops: -100 })] }],
    ['blockDevices[0].ebs.iops', { blockDevices: [data('', { iops: 100 })] }],
    ['blockDevices[0].ebs.throughput', { blockDevices: [data('', { volumeType: 'gp3', throughput: -200 })] }],
    ['blockDevices[0].ebs.throughput', { blockDevices: [data('', { throughput: 100 })] }],
    ['blockDevices[1].deviceName', { blockDevices: [root, data('/dev/foo')] }],
    ['blockDevices[1].deviceName', { blockDevices: [root, data('/dev/sdb\n')] }],
    ['blockDevices', { blockDevices: [root, data('/dev/sdb'), data('/dev/sdb')] }],
    ['blockDevices[0].ebs.volumeType', { blockDevices: [data('', { volumeType: 'st1', volumeSize: 125 })] }],
    [
      'blockDevices[1].ebs.volumeSize',
      { blockDevices: [root, data('/dev/sdb', { volumeType: 'sc1', volumeSize: 124 })] },
    ],
    ['networkInterfaces[]', { networkInterfaces: [] }],
    ['networkInterfaces[0].subnetID', { networkInterfaces: [{ securityGroupIDs: ['sg-1'] }] }],
    ['networkInterfaces[0].securityGroupIDs', { networkInterfaces: [{ subnetID: 's' }] }],
    ['networkInterfaces[0].securityGroupIDs', { networkInterfaces: [{ ...nic, securityGroupIDs: [''] }] }],
    ['networkInterfaces[0].interfaceType', { networkInterfaces: [{ ...nic, interfaceType: 'trunk' }] }],
    ['networkInterfaces[0].deviceIndex', { networkInterfaces: [{ ...nic, deviceIndex: -1 }] }],
    ['networkInterfaces[0].networkCardIndex', { networkInterfaces: [{ ...nic, networkCardIndex: -1 }] }],
    ['networkInterfaces[0].ipv6AddressCount', { networkInterfaces: [{ ...nic, ipv6AddressCount: -1 }] }],
    ['networkInterfaces[1].deviceIndex', { networkInterfaces: [nic, { ...nic, deviceIndex: 0 }] }],
    ['instanceMetadata.httpPutResponseHopLimit', { instanceMetadataOptions: { httpPutResponseHopLimit: 72 } }],
    ['instanceMetadata.httpEndpoint', { instanceMetadataOptions: { httpEndpoint: 'on' } }],
    ['instanceMetadata.httpTokens', { instanceMetadataOptions: { httpTokens: 'on' } }],
    ['instanceMetadata.httpProtocolIpv6', { instanceMetadataOptions: { httpProtocolIpv6: 'on' } }],
    [
      'capacityReservation',
      {
        capacityReservation: {
          capacityReservationPreference: 'open',
          capacityReservationId: 'a',
          capacityReservationResourceGroupArn: 'b',
        },
      },
    ],
    [
      'capacityReservation',
      { capacityReservation: { capacityReservationPreference: 'open', capacityReservationId: 'a' } },
    ],
    [
      'capacityReservation',
      { capacityReservation: { capacityReservationPreference: 'open', capacityReservationResourceGroupArn: 'b' } },
    ],
    [
      'capacityReservation',
      { capacityReservation: { capacityReservationId: '', capacityReservationResourceGroupArn: 'b' } },
    ],
    ['instanceMarketOptions.marketType', { instanceMarketOptions: { marketType: 'on-demand' } }],
    ['instanceMarketOptions.marketType', { instanceMarketOptions: { marketType: '' } }],
    ['instanceMarketOptions.marketType', { instanceMarketOptions: {} }],
    ['placement.tenancy', { placement: { tenancy: 'x' } }],
    ['placement.affinity', { placement: { affinity: 'x' } }],
    ['placement.hostId', { placement: { hostId: 'h-1' } }],
    ['placement.partitionNumber', { placement: { partitionNumber: 0 } }],
    ['cpuOptions.coreCount', { cpuOptions: { threadsPerCore: 1 } }],
    ['cpuOptions.threadsPerCore', { cpuOptions: { coreCount: 1 } }],
    ['cpuOptions.threadsPerCore', { cpuOptions: { coreCount: 1, threadsPerCore: 3 } }],
    ['cpuOptions.coreCount', { cpuOptions: { coreCount: 0, threadsPerCore: 1 } }],
    ['cpuOptions.amdSevSnp', { cpuOptions: { amdSevSnp: 'on' } }],
  ])('%s of %j', (path, changes) => {
    expect(paths({ ...base, ...changes })).toEqual([`providerSpec.${path}`])
  })

  it('S3: of two root devices is said twice', () => {
    expect(validate({ spec: { ...base, blockDevices: [root, root] }, secret: reader(keys) })).toEqual([
      { path: 'providerSpec.blockDevices', message: 'Required value: Only one device can be specified as root' },
      {
        path: 'providerSpec.blockDevices',
        message: "Required value: Device name '/root' duplicated 2 times, DeviceName must be unique",
      },
    ])
  })

  it.each([
    [{}, ['AWSAccessKeyID', 'AWSSecretAccessKey', 'userData']],
    [{ ...keys, userData: '' }, ['userData']],
    [{ ...keys, userData: 'x'.repeat(16 * 1024 + 1) }, ['userData']],
    [{ ...keys, providerAccessKeyId: '  ' }, ['AWSAccessKeyID']],
    [{ ...keys, providerSecretAccessKey: '\n' }, ['AWSSecretAccessKey']],
    [{ ...keys, providerSecretAccessKey: 'a\u0000b' }, ['AWSSecretAccessKey']],
    [{ ...keys, providerAccessKeyId: 'a b' }, ['AWSAccessKeyID']],
    [{ workloadIdentityTokenFile: '', ...keys }, ['workloadIdentityTokenFile', 'roleARN']],
    [{ workloadIdentityTokenFile: '', roleARN: '' }, ['workloadIdentityTokenFile', 'roleARN', 'userData']],
  ])('S4: of the Secret, case %#', (secret, names) => {
    expect(paths(base, secret)).toEqual(names.map((name) => `secretRef.${name}`))
  })

  it('of a class without disks is said to whoever asks before a launch', () => {
    const spec = { ...base, blockDevices: [] }
    const violation = { path: 'providerSpec.blockDevices', message: 'Required value: no block devices passed' }
    expect(validate({ spec, method: 'validateMachineClass' })).toEqual([violation])
    expect(validate({ spec, method: 'createMachine' })).toEqual([])
  })

  it('says nothing of a Secret that is not there', () => {
    expect(validate({ spec: base })).toEqual([])
  })
})

it('of a class whose VM is to go, only what is needed to find it has to be right', () => {
  const spec = { region: 'eu west', blockDevices: [disk, disk] }
  const machine = { metadata: { name: 'm', namespace: 'n', deletionTimestamp: '2026-01-01T00:00:00Z' }, spec: {} }
  const found = ['region', 'tags[]', 'tags[]'].map((path) => `providerSpec.${path}`)
  const secret = reader({ providerAccessKeyId: 'a', providerSecretAccessKey: 'b' })
  for (const why of [{ method: 'deleteMachine' as const }, { method: 'getMachineStatus' as const, machine }]) {
    expect(validate({ spec, secret, ...why }).map(({ path }) => path)).toEqual(found)
  }
})
