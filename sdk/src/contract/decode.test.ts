import { create, fromBinary, type JsonObject, toBinary } from '@bufbuild/protobuf'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { describe, expect, it } from 'vitest'
import { decodePlain } from './decode.ts'
import { CreateMachineRequestSchema, Driver, ListMachinesResponseSchema } from './gen/mcm/driver/v1/driver_pb.ts'
import { type Machine, MachineSchema, type Secret, SecretSchema } from './gen/mcm/driver/v1/kubernetes_pb.ts'
import { toPlain } from './plain.ts'

const oddJson: JsonObject = {
  text: 'ünï🚀',
  empty: '',
  zero: 0,
  number: -1.5e300,
  no: false,
  nothing: null,
  list: [[], {}, [null, 1, 'x', { deep: [true] }]],
  nested: { a: { b: { c: {} } } },
  '': 'an empty key',
  ['__proto__']: { polluted: true },
}

const machine = {
  apiVersion: 'machine.sapcloud.io/v1alpha1',
  metadata: {
    name: 'm',
    generation: 3,
    deletionGracePeriodSeconds: 0,
    labels: { a: '1', ['__proto__']: 'x', '': '' },
    ownerReferences: [{ name: 'set', controller: false }, {}],
    finalizers: ['one', 'two'],
    managedFields: [oddJson, {}],
  },
  spec: { class: {}, disableHealthTimeout: false, maxEvictRetries: -7, nodeTemplate: oddJson },
  status: { currentStatus: { timeoutActive: true }, conditions: [{ type: 'Ready' }] },
} as unknown as Machine

const secret = { data: { token: Buffer.from([0, 255]), empty: new Uint8Array() } } as unknown as Secret

describe('decodePlain', () => {
  it.each([
    [MachineSchema, machine],
    [SecretSchema, secret],
    [CreateMachineRequestSchema, { machine, secret, machineClass: { provider: 'x', providerSpec: oddJson } }],
    [CreateMachineRequestSchema, {}],
    [ListMachinesResponseSchema, { machineList: { 'x:///1': 'm', 'x:///2': '' } }],
  ])('gives what the library gives, %s', (schema, message) => {
    const bytes = toBinary(schema, create(schema, message as never))
    const plain = decodePlain(schema, bytes)
    expect(plain).toEqual(toPlain(schema, fromBinary(schema, bytes)))
    expect(JSON.stringify(plain)).toBe(JSON.stringify(toPlain(schema, fromBinary(schema, bytes))))
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  it('can decode every message of the Driver service', () => {
    for (const { input, output } of Driver.methods) {
      for (const schema of [input, output]) expect(decodePlain(schema, new Uint8Array())).toEqual({})
    }
  })

  it('merges a message that comes in parts, and takes the last of a scalar', () => {
    const first = toBinary(
      MachineSchema,
      create(MachineSchema, { kind: 'A', metadata: { name: 'n', uid: 'u' } } as never),
    )
    const second = toBinary(MachineSchema, create(MachineSchema, { kind: 'B', metadata: { name: 'm' } } as never))
    const bytes = Buffer.concat([first, second])
    expect(decodePlain(MachineSchema, bytes)).toEqual({ kind: 'B', metadata: { name: 'm', uid: 'u' } })
  })

  it('skips fields of a newer contract', () => {
    const bytes = new BinaryWriter()
      .tag(1999, WireType.LengthDelimited)
      .string('new')
      .tag(2, WireType.LengthDelimited)
      .string('Machine')
      .finish()
    expect(decodePlain(MachineSchema, bytes)).toEqual({ kind: 'Machine' })
  })

  const whole = toBinary(MachineSchema, create(MachineSchema, machine))

  it('refuses every message that was cut in the middle of a field', () => {
    let refused = 0
    for (let length = 0; length < whole.length; length++) {
      try {
        decodePlain(MachineSchema, whole.subarray(0, length))
      } catch (error) {
        expect(error).toBeInstanceOf(Error)
        refused++
      }
    }
    // What is cut between two fields of the outermost message is a valid, shorter message.
    expect(refused).toBeGreaterThan(whole.length - 10)
  })

  it('never takes long, or anything but an error, for bytes that were changed', () => {
    for (let i = 0; i < whole.length; i++) {
      for (const value of [0, 0x7f, 0xff]) {
        const bytes = Uint8Array.from(whole)
        bytes[i] = value
        try {
          decodePlain(MachineSchema, bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(Error)
        }
      }
    }
  })

  it('refuses what is nested too deep, instead of running out of stack', () => {
    const hostile = nestedStruct(5000)
    expect(() => decodePlain(MachineSchema, hostile)).toThrow('nested more than 100 levels deep')
  })
})

/** `spec.nodeTemplate` with structs in structs, from the inside out, which no encoder would write. */
function nestedStruct(levels: number): Uint8Array {
  let bytes: Uint8Array = new Uint8Array()
  const wrap = (field: number, content: Uint8Array) =>
    new BinaryWriter().tag(field, WireType.LengthDelimited).bytes(content).finish()
  for (let i = 0; i < levels; i++) bytes = wrap(1, wrap(2, wrap(5, bytes)))
  return wrap(4, wrap(3, bytes))
}
