import { create, toBinary } from '@bufbuild/protobuf'
import { expect, it } from 'vitest'
import { Driver } from './gen/mcm/driver/v1/driver_pb.ts'
import {
  decodeRequest,
  driverMethods,
  methodName,
  requestFromPlain,
  requestToPlain,
  responseFromPlain,
  responseToPlain,
} from './methods.ts'

it('knows all methods, in the order of the contract', () => {
  expect(driverMethods.map((method) => [method, methodName(method)])).toEqual([
    ['createMachine', 'CreateMachine'],
    ['initializeMachine', 'InitializeMachine'],
    ['deleteMachine', 'DeleteMachine'],
    ['getMachineStatus', 'GetMachineStatus'],
    ['listMachines', 'ListMachines'],
    ['getVolumeIDs', 'GetVolumeIDs'],
    ['generateMachineClassForMigration', 'GenerateMachineClassForMigration'],
    ['validateMachineClass', 'ValidateMachineClass'],
  ])
})

it.each(driverMethods)('gives %s the parts that its types promise, and no more', (method) => {
  const names = { name: '', namespace: '' }
  const { input, output } = Driver.method[method]
  const request = create(input, { machine: {}, machineClass: {} } as never)
  const expected = {
    ...(input.field.machine && { machine: { metadata: names, spec: {} } }),
    ...(input.field.machineClass && { machineClass: { metadata: names } }),
    ...(method === 'getVolumeIDs' && { pvSpecs: [] }),
  }
  expect(requestToPlain(method, request)).toEqual(expected)
  expect(decodeRequest(method, toBinary(input, request))).toEqual(expected)
  // What a plugin was given, it may give back: a migrated class, for example.
  expect(requestFromPlain(method, requestToPlain(method, request))).toMatchObject({ $typeName: input.typeName })
  const response = responseToPlain(method, create(output))
  expect(responseToPlain(method, responseFromPlain(method, response))).toEqual(response)
})

it('fills what an empty response lacks', () => {
  const empty = Object.fromEntries(
    driverMethods.map((method) => [method, responseToPlain(method, create(Driver.method[method].output))]),
  )
  expect(empty).toEqual({
    createMachine: { providerID: '', nodeName: '' },
    initializeMachine: {},
    deleteMachine: {},
    getMachineStatus: { providerID: '', nodeName: '' },
    listMachines: { machineList: {} },
    getVolumeIDs: { volumeIDs: [] },
    generateMachineClassForMigration: {},
    validateMachineClass: { violations: [] },
  })
})
