import { expect, it } from 'vitest'
import type { JsonObject } from '../model/kubernetes.ts'
import { Type } from '../typebox.ts'
import { decodeSpec } from './decode-spec.ts'

const text = Type.Optional(Type.String())
const integer = Type.Optional(Type.Integer({ minimum: -(2 ** 31), maximum: 2 ** 31 - 1 }))
const schema = Type.Object({
  ami: text,
  region: text,
  machineType: text,
  spotPrice: text,
  monitoring: Type.Optional(Type.Boolean()),
  iam: Type.Optional(Type.Object({ name: text })),
  cpuOptions: Type.Optional(Type.Object({ coreCount: integer, threadsPerCore: integer })),
  placement: Type.Optional(Type.Object({ hostId: text })),
  tags: Type.Optional(Type.Record(Type.String(), Type.String())),
  networkInterfaces: Type.Optional(Type.Array(Type.Object({ subnetID: text }))),
  blockDevices: Type.Optional(
    Type.Array(Type.Object({ ebs: Type.Optional(Type.Object({ volumeType: text, volumeSize: integer })) })),
  ),
})
const decode = (raw: JsonObject) => decodeSpec(raw, schema)

it.each([
  [
    'names in any case',
    { AMI: 'a', Iam: { NAME: 'n' }, networkinterfaces: [{ SubnetId: 's' }] },
    { ami: 'a', iam: { name: 'n' }, networkInterfaces: [{ subnetID: 's' }] },
  ],
  ['the later spelling of a name', { ami: 'first', AMI: 'second' }, { ami: 'second' }],
  [
    'objects of two spellings merged',
    { tags: { a: '1', b: '1' }, TAGS: { b: '2', c: '2' } },
    { tags: { a: '1', b: '2', c: '2' } },
  ],
  [
    'null as absent',
    { ami: null, cpuOptions: { coreCount: null, threadsPerCore: 1 } },
    { cpuOptions: { threadsPerCore: 1 } },
  ],
  ['nothing of unknown fields', { secretRef: { name: 'x' }, kind: 'AWSProviderSpec' }, {}],
  [
    'tag keys as they are',
    { tags: { Name: '', AMI: 'x', __proto__x: 'y' } },
    { tags: { Name: '', AMI: 'x', __proto__x: 'y' } },
  ],
  ['empty texts', { spotPrice: '', placement: { hostId: '' } }, { spotPrice: '', placement: { hostId: '' } }],
])('reads %s', (_, raw, spec) => {
  expect(decode(raw)).toEqual({ spec, violations: [] })
})

it('reports what has the wrong type, by its own name', () => {
  const raw = {
    REGION: 1,
    machineType: true,
    blockDevices: [{ ebs: { VolumeSize: 50.5, volumeType: 'gp3' } }, { ebs: { volumeSize: 2 ** 31 } }],
    networkInterfaces: {},
    tags: { a: 1 },
    monitoring: 'yes',
  }
  expect(decode(raw).violations).toEqual([
    { path: 'providerSpec.region', message: 'must be a text' },
    { path: 'providerSpec.machineType', message: 'must be a text' },
    { path: 'providerSpec.blockDevices[0].ebs.volumeSize', message: 'must be a whole number' },
    { path: 'providerSpec.blockDevices[1].ebs.volumeSize', message: 'must be from -2147483648 to 2147483647' },
    { path: 'providerSpec.networkInterfaces', message: 'must be a list' },
    { path: 'providerSpec.tags["a"]', message: 'must be a text' },
    { path: 'providerSpec.monitoring', message: 'must be true or false' },
  ])
})
