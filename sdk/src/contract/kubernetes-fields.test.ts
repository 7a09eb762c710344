import {
  create,
  type DescField,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonObject,
  toBinary,
  toJson,
} from '@bufbuild/protobuf'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { describe, expect, it } from 'vitest'
import { decodePlain } from './decode.ts'
import { MachineClassSchema, MachineSchema, SecretSchema } from './gen/mcm/driver/v1/kubernetes_pb.ts'
import { fromPlain, toPlain } from './plain.ts'

// Every field of the objects that the contract carries, as Kubernetes writes them. Nothing has its empty value.

const time = '2026-11-24T20:00:00Z'

const metadata = {
  name: 'worker-1',
  generateName: 'worker-',
  namespace: 'shoot--prod',
  selfLink: '/apis/machine.sapcloud.io/v1alpha1/namespaces/shoot--prod/machines/worker-1',
  uid: '3b1e',
  resourceVersion: '4711',
  generation: 3,
  creationTimestamp: time,
  deletionTimestamp: time,
  deletionGracePeriodSeconds: 30,
  labels: { 'kubernetes.io/role': 'node', empty: '', __proto__x: 'odd' },
  annotations: { 'node.machine.sapcloud.io/notManagedByMCM': '1' },
  ownerReferences: [
    {
      apiVersion: 'machine.sapcloud.io/v1alpha1',
      kind: 'MachineSet',
      name: 'set',
      uid: '9c0f',
      controller: true,
      blockOwnerDeletion: true,
    },
    // False is not the same as absent here.
    { apiVersion: 'v1', kind: 'ConfigMap', name: 'cm', uid: '9c10', controller: false, blockOwnerDeletion: false },
  ],
  finalizers: ['machine.sapcloud.io/machine-controller'],
  managedFields: [{ manager: 'kubectl', operation: 'Update', fieldsV1: { 'f:spec': { '.': {} } } }],
}

const samples: [DescMessage, JsonObject][] = [
  [
    MachineSchema,
    {
      apiVersion: 'machine.sapcloud.io/v1alpha1',
      kind: 'Machine',
      metadata,
      spec: {
        class: { apiGroup: 'machine.sapcloud.io', kind: 'MachineClass', name: 'worker' },
        providerID: 'aws:///eu-west-1/i-0123',
        nodeTemplate: {
          metadata: { creationTimestamp: null, labels: { pool: 'worker' }, annotations: { a: 'b' } },
          spec: {
            podCIDR: '10.0.0.0/24',
            taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }],
            unschedulable: false,
          },
        },
        drainTimeout: '2h0m0s',
        healthTimeout: '10m0s',
        creationTimeout: '20m0s',
        inPlaceUpdateTimeout: '30m0s',
        disableHealthTimeout: false,
        machinePreserveTimeout: '72h0m0s',
        maxEvictRetries: 0,
        nodeConditions: 'KernelDeadlock,ReadonlyFilesystem',
      },
      status: {
        addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
        conditions: [
          {
            type: 'Ready',
            status: 'True',
            lastHeartbeatTime: time,
            lastTransitionTime: time,
            reason: 'KubeletReady',
            message: 'kubelet is posting ready status',
          },
        ],
        lastOperation: {
          description: 'Creating machine',
          errorCode: 'ResourceExhausted',
          lastUpdateTime: time,
          state: 'Failed',
          type: 'Create',
        },
        currentStatus: { phase: 'Pending', timeoutActive: true, lastUpdateTime: time, preserveExpiryTime: time },
        node: 'ip-10-0-0-1',
        lastKnownState: 'disk-7',
      },
    },
  ],
  [
    MachineClassSchema,
    {
      apiVersion: 'machine.sapcloud.io/v1alpha1',
      kind: 'MachineClass',
      metadata,
      nodeTemplate: {
        capacity: { cpu: 4, memory: '16Gi', gpu: '0' },
        virtualCapacity: { 'example.com/resource': '10' },
        instanceType: 'm5.xlarge',
        region: 'eu-west-1',
        zone: 'eu-west-1a',
        architecture: 'amd64',
        ownField: { kept: true },
      },
      credentialsSecretRef: { name: 'credentials', namespace: 'shoot--prod' },
      providerSpec: {
        text: 'ünï🚀',
        empty: '',
        zero: 0,
        fraction: 1.5,
        large: 9007199254740991,
        no: false,
        nothing: null,
        list: [[], {}, [null, 1, 'x', { deep: [true] }]],
        nested: { a: { b: {} } },
        '': 'an empty key',
      },
      provider: 'AWS',
      secretRef: { name: 'userdata', namespace: 'shoot--prod' },
    },
  ],
  [
    SecretSchema,
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata,
      data: { userData: 'I2Nsb3VkLWNvbmZpZw==', binary: 'AP8=', empty: '' },
      stringData: { token: 'as text' },
      type: 'Opaque',
      immutable: false,
    },
  ],
]

/** The fields of a message that a sample does not have, by path. */
function missingIn(schema: DescMessage, sample: unknown, path: string): string[] {
  return schema.fields.flatMap((field) => {
    const at = `${path}.${field.jsonName}`
    const value = (sample as JsonObject | undefined)?.[field.jsonName]
    if (value === undefined) return [at]
    const message = messageOf(field)
    return message ? missingIn(message, Array.isArray(value) ? value[0] : value, at) : []
  })
}

/** Parts of our own; the shape of a Struct belongs to somebody else. */
function messageOf({ message }: DescField): DescMessage | undefined {
  return message && message.typeName !== 'google.protobuf.Struct' ? message : undefined
}

/** The same object as plugins see it: secret values are bytes. */
function asPlain(schema: DescMessage, sample: JsonObject): object {
  if (schema !== SecretSchema) return sample
  const entries = Object.entries(sample.data as Record<string, string>)
  return {
    ...sample,
    data: Object.fromEntries(entries.map(([key, text]) => [key, new Uint8Array(Buffer.from(text, 'base64'))])),
  }
}

describe.each(samples)('%s', (schema, sample) => {
  it('has no field that this test does not know', () => {
    expect(missingIn(schema, sample, schema.name)).toEqual([])
  })

  it('comes across the wire and back as it was', () => {
    const message = fromJson(schema, sample)
    const received = fromBinary(schema, toBinary(schema, message))
    expect(toJson(schema, received)).toEqual(sample)
    const plain = toPlain(schema, received)
    expect(plain).toEqual(asPlain(schema, sample))
    expect(decodePlain(schema, toBinary(schema, message))).toEqual(plain)
    expect(toJson(schema, fromBinary(schema, toBinary(schema, fromPlain(schema, plain))))).toEqual(sample)
  })

  it('does not invent what is not there', () => {
    expect(toPlain(schema, create(schema))).toEqual({})
    expect(toJson(schema, fromPlain(schema, {}))).toEqual({})
  })

  it('names a field that it does not know', () => {
    expect(() => fromJson(schema, { ...sample, nmae: 'x' })).toThrow(`${schema.name} from JSON: key "nmae" is unknown`)
    expect(() => fromJson(schema, { ...sample, metadata: { nmae: 'x' } })).toThrow(
      'ObjectMeta from JSON: key "nmae" is unknown',
    )
    expect(() => fromPlain(schema, { ...sample, metadata: { nmae: 'x' } })).toThrow(
      'ObjectMeta has no field metadata.nmae',
    )
  })

  it('keeps a field of a newer contract on the wire, and does not show it to plugins', () => {
    const newer = new BinaryWriter().tag(2000, WireType.LengthDelimited).string('new').finish()
    const bytes = Uint8Array.from([...toBinary(schema, fromJson(schema, sample)), ...newer])
    const received = fromBinary(schema, bytes)
    expect(toBinary(schema, received)).toEqual(bytes)
    expect(toPlain(schema, received)).toEqual(asPlain(schema, sample))
    expect(decodePlain(schema, bytes)).toEqual(asPlain(schema, sample))
  })
})

it('fromPlain says where a value of a wrong kind is', () => {
  const wrong: [object, string][] = [
    [{ metadata: { name: 7 } }, 'metadata.name must be a text'],
    [{ metadata: [] }, 'metadata must be an object'],
    [{ metadata: { labels: { a: 1 } } }, 'metadata.labels must be an object of texts'],
    [{ metadata: { labels: new Map() } }, 'metadata.labels must be an object of texts'],
    [{ metadata: { finalizers: [1] } }, 'metadata.finalizers must be a list of texts'],
    [{ metadata: { ownerReferences: [{}, { uid: 1 }] } }, 'metadata.ownerReferences[1].uid must be a text'],
    [{ metadata: { ownerReferences: ['x'] } }, 'metadata.ownerReferences[0] must hold objects'],
    [{ spec: { disableHealthTimeout: 'no' } }, 'spec.disableHealthTimeout must be true or false'],
    [{ spec: { maxEvictRetries: '3' } }, 'spec.maxEvictRetries must be a number'],
    [{ spec: { nodeTemplate: 'x' } }, 'spec.nodeTemplate must be an object'],
    [{ status: null }, 'status must be an object'],
  ]
  for (const [machine, message] of wrong)
    expect(() => fromPlain(MachineSchema, machine)).toThrow(new TypeError(message))
  expect(() => fromPlain(SecretSchema, { data: { a: 'text' } })).toThrow(
    new TypeError('data must be an object of bytes'),
  )
})
