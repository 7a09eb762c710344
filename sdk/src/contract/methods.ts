import type { DescMessage, MessageShape } from '@bufbuild/protobuf'
import type { DriverCalls, DriverMethod } from '../model/driver.ts'
import type { Machine, MachineClass, ObjectMeta } from '../model/kubernetes.ts'
import { decodePlain } from './decode.ts'
import { Driver } from './gen/mcm/driver/v1/driver_pb.ts'
import { fromPlain, toPlain } from './plain.ts'

/** All methods of the driver contract, in the order of the `.proto`. */
export const driverMethods = Driver.methods.map((method) => method.localName as DriverMethod)

/** Name of a method as the `.proto`, logs and errors have it, for example `CreateMachine`. */
export function methodName(method: DriverMethod): string {
  return Driver.method[method].name
}

/** Turns a request message into the plain object that the host and plugins work with. */
export function requestToPlain<M extends DriverMethod>(
  method: M,
  message: MessageShape<DescMessage>,
): DriverCalls[M]['request'] {
  return completeRequest(method, toPlain(Driver.method[method].input, message as never))
}

/** Decodes the bytes of a request, much faster than by way of its message. Throws where they are no such request. */
export function decodeRequest<M extends DriverMethod>(method: M, bytes: Uint8Array): DriverCalls[M]['request'] {
  return completeRequest(method, decodePlain(Driver.method[method].input, bytes))
}

function completeRequest<M extends DriverMethod>(method: M, plain: Record<string, unknown>): DriverCalls[M]['request'] {
  const { machine, machineClass } = plain as { machine?: Partial<Machine>; machineClass?: Partial<MachineClass> }
  if (machine) {
    machine.metadata = withNames(machine.metadata)
    machine.spec ??= {}
  }
  if (machineClass) machineClass.metadata = withNames(machineClass.metadata)
  if (method === 'getVolumeIDs') plain.pvSpecs ??= []
  return plain as DriverCalls[M]['request']
}

/** Encodes a plain request into its message. Throws a TypeError on fields that the contract does not have. */
export function requestFromPlain(method: DriverMethod, plain: object): MessageShape<DescMessage> {
  return fromPlain(Driver.method[method].input, plain)
}

/** Decodes a response message into a plain object. */
export function responseToPlain<M extends DriverMethod>(
  method: M,
  message: MessageShape<DescMessage>,
): DriverCalls[M]['response'] {
  const plain = { ...emptyResponses[method], ...toPlain(Driver.method[method].output, message as never) }
  const { machineClass } = plain as { machineClass?: Partial<MachineClass> }
  if (machineClass) machineClass.metadata = withNames(machineClass.metadata)
  return plain as DriverCalls[M]['response']
}

/** Encodes a plain response into its message. Throws a TypeError on fields that the contract does not have. */
export function responseFromPlain(method: DriverMethod, plain: object): MessageShape<DescMessage> {
  return fromPlain(Driver.method[method].output, plain)
}

// On the wire an empty list or text is the same as none; the types promise that these are there.
const emptyResponses: { [M in DriverMethod]?: object } = {
  createMachine: { providerID: '', nodeName: '' },
  getMachineStatus: { providerID: '', nodeName: '' },
  listMachines: { machineList: {} },
  getVolumeIDs: { volumeIDs: [] },
  validateMachineClass: { violations: [] },
}

/** On the wire an empty text is the same as none; the types promise that the names are there. */
function withNames(metadata: Partial<ObjectMeta> = {}): ObjectMeta {
  return { name: '', namespace: '', ...metadata }
}
