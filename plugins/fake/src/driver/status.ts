import { type Driver, MachineError } from '@mcm/sdk'
import type { FakeSpec } from '../provider-spec.ts'
import type { FakeSecretKey } from '../secret-keys.ts'
import { findAll, findOne } from './find.ts'
import { clusterTagOf, instanceNamedBy, providerIDOf, vmOf } from './identity.ts'
import { inCloud } from './in-cloud.ts'

type FakeDriver = Required<Driver<FakeSpec, FakeSecretKey>>

export const getMachineStatus: FakeDriver['getMachineStatus'] = (call, context) =>
  inCloud('getMachineStatus', call, context, async (cloud, options) => {
    const instance = await findOne(cloud, call, options)
    if (!instance.initialized) throw MachineError.uninitialized(vmOf(instance))
    return vmOf(instance)
  })

/** Goes by the stored providerID where there is one, since a read of a new VM may lag. */
export const initializeMachine: FakeDriver['initializeMachine'] = (call, context) =>
  inCloud('initializeMachine', call, context, async (cloud, options) => {
    const { region, id } = instanceNamedBy(call.machine) ?? (await findOne(cloud, call, options))
    return vmOf(await cloud.initializeInstance({ region, id, onlyWithTag: clusterTagOf(call.spec) }, options))
  })

export const listMachines: FakeDriver['listMachines'] = (call, context) =>
  inCloud('listMachines', call, context, async (cloud, options) => {
    const instances = await findAll(cloud, call.spec, undefined, options)
    return { machineList: Object.fromEntries(instances.map((instance) => [providerIDOf(instance), instance.name])) }
  })
