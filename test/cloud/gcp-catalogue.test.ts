import type { JsonObject } from '@mcm/sdk'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failureOf } from '../contract/testing/requests.ts'
import { pluginAndCompute } from './testing/plugin-and-compute.ts'

// Rows of the test catalogue that no recorded conversation shows.

let world: Awaited<ReturnType<typeof pluginAndCompute>>
beforeEach(async () => {
  world = await pluginAndCompute()
})
afterEach(async () => await world[Symbol.asyncDispose]())

/** The body with which a VM was asked for. */
async function inserted(spec: JsonObject, data?: Record<string, string>) {
  await world.driver.createMachine(world.call('m-1', { spec, ...(data && { data }) }))
  const found = world.fake.journal.find(({ action }) => action === 'instances.insert')
  // Read by the fake, which has checked it.
  return found?.body as Record<string, unknown> & { disks: object[]; networkInterfaces: object[]; metadata: object }
}
const disk = {
  type: 'pd-balanced',
  boot: true,
  image: 'projects/debian-cloud/global/images/debian-13-trixie-v20261015',
}
const preemptible = { onHostMaintenance: 'TERMINATE', preemptible: true, automaticRestart: true }
const restart = 'providerSpec.scheduling.automaticRestart'
const key = (changes: object) => ({ serviceAccountJSON: JSON.stringify({ type: 'service_account', ...changes }) })

describe('CreateMachine', () => {
  it('C4: asks for the type of disk that the class names', async () => {
    expect((await inserted({ disks: [disk] })).disks).toMatchObject([
      { initializeParams: { diskType: 'zones/europe-west1-b/diskTypes/pd-balanced' } },
    ])
  })

  it.each([
    ['C24', '#!/bin/sh', 'startup-script'],
    ['C23', '#cloud-config\n', 'user-data'],
  ])('%s: hands user data such as %j on as %s', async (_, userData, name) => {
    expect((await inserted({}, { userData })).metadata).toEqual({ items: [{ key: name, value: userData }] })
  })

  it('C26: hands on metadata that are a key alone', async () => {
    const { metadata } = await inserted({ metadata: [{ key: 'alone' }] })
    expect(metadata).toMatchObject({ items: [{ key: 'user-data' }, { key: 'alone' }] })
  })

  it('C28: sends neither stack type nor alias range for IPv4 alone', async () => {
    const nic = { subnetwork: 'default', disableExternalIP: true, stackType: 'IPV4_ONLY', ipCidrRange: '/24' }
    expect((await inserted({ networkInterfaces: [nic] })).networkInterfaces).toEqual([
      { subnetwork: 'regions/europe-west1/subnetworks/default' },
    ])
  })

  it('C31: asks for a local SSD by its own type', async () => {
    const { disks } = await inserted({ disks: [disk, { type: 'SCRATCH', interface: 'NVME', sizeGb: 9 }] })
    expect(disks[1]).toEqual({
      type: 'SCRATCH',
      interface: 'NVME',
      autoDelete: true,
      initializeParams: { diskType: 'zones/europe-west1-b/diskTypes/local-ssd' },
    })
  })

  it('C38: asks for GPUs by the path of their type', async () => {
    const scheduling = { onHostMaintenance: 'TERMINATE', automaticRestart: true }
    const spec = { gpu: { acceleratorType: 'nvidia-tesla-t4', count: 2 }, scheduling, machineType: 'n1-standard-4' }
    expect((await inserted(spec)).guestAccelerators).toEqual([
      {
        acceleratorType: 'projects/demo-project/zones/europe-west1-b/acceleratorTypes/nvidia-tesla-t4',
        acceleratorCount: 2,
      },
    ])
  })

  it.each<[string, string, { spec?: JsonObject; data?: Record<string, string> }, string[]]>([
    ['C10', 'a project id that is a number', { data: key({ project_id: 1 }) }, ['secret.data.serviceAccountJSON']],
    ['C25', 'the key user-data', { spec: { metadata: [{ key: 'user-data' }] } }, ['providerSpec.metadata[0].key']],
    [
      'C37',
      'GPUs without type and number',
      { spec: { gpu: {}, scheduling: { onHostMaintenance: 'TERMINATE' } } },
      ['providerSpec.gpu.acceleratorType', 'providerSpec.gpu.count'],
    ],
    ['C46', 'no tags of an owner', { spec: { tags: ['x'] } }, ['providerSpec.tags', 'providerSpec.tags']],
    [
      'C52',
      'another kind of credential',
      { data: key({ type: 'authorized_user' }) },
      ['secret.data.serviceAccountJSON'],
    ],
    ['C53', 'a service account without project', { data: key({}) }, ['secret.data.serviceAccountJSON']],
    ['W26', 'a preemptible VM that restarts', { spec: { scheduling: preemptible } }, [restart]],
  ])('%s: refuses %s, and asks nobody', async (_, __, parts, paths) => {
    const failed = await failureOf(world.driver.createMachine(world.call('m-1', parts)))
    expect(failed).toMatchObject({ code: 'InvalidArgument', reason: expect.stringMatching(/_INVALID$/) })
    expect(failed).toMatchObject({ violations: paths.map((path) => ({ path })) })
    expect(world.fake.journal).toEqual([])
  })

  it('C9: refuses a Secret without user data', async () => {
    const call = world.call('m-1')
    const { userData: _, ...stringData } = call.secret.stringData ?? {}
    const failed = await failureOf(world.driver.createMachine({ ...call, secret: { ...call.secret, stringData } }))
    expect(failed.violations).toEqual([{ path: 'secret.data.userData', message: 'secret userData is required field' }])
  })

  it('C12: tells an operation whose look is refused by its text', async () => {
    const error = { status: 400, reason: '', text: 'no such thing' }
    world.fake.faults.add({ action: 'zoneOperations.wait', error })
    expect((await failureOf(world.driver.createMachine(world.call('m-1')))).message).toBe(
      'Create machine "m-1" failed: googleapi: got HTTP response code 400 with body: no such thing',
    )
  })
})

describe('the other methods', () => {
  it('D1: deletes nothing where there is nothing, in the words of the Go provider', async () => {
    expect(await failureOf(world.driver.deleteMachine(world.call('m-1')))).toMatchObject({
      code: 'NotFound',
      message: 'machine name=m-1, uuid= not found',
    })
  })

  it('D11: deletes also with a class that is wrong but for zone and tags', async () => {
    await world.driver.createMachine(world.call('m-1'))
    await world.driver.deleteMachine(world.call('m-1', { spec: { disks: [], machineType: '', scheduling: {} } }))
    expect(world.fake.cloud.instances).toEqual([])
  })

  it('G2, G10: finds the VM by the name of its Machine, whatever its providerID says', async () => {
    const { providerID } = await world.driver.createMachine(world.call('m-1'))
    const call = world.call('m-1')
    const spec = { ...call.machine.spec, providerID: 'gce:///other/zone/m-2' }
    expect(await world.driver.getMachineStatus({ ...call, machine: { ...call.machine, spec } })).toMatchObject({
      providerID,
      nodeName: 'm-1',
      addresses: [{ type: 'InternalIP', address: expect.any(String) }],
    })
  })

  it('L7: lists nothing for a class without tags, but says what is wrong', async () => {
    const { machineClass, secret } = world.call('m-1', { spec: { tags: [] } })
    expect(await failureOf(world.driver.listMachines({ machineClass, secret }))).toMatchObject({
      code: 'InvalidArgument',
    })
    expect(world.fake.journal).toEqual([])
  })

  it.each(['createMachine', 'deleteMachine', 'getMachineStatus'] as const)(
    'C5, D2, G5: %s of another provider goes to nobody',
    async (method) => {
      const call = world.call('m-1')
      const other = { ...call, machineClass: { ...call.machineClass, provider: 'aws' } }
      expect(await failureOf(world.driver[method](other))).toMatchObject({ code: 'InvalidArgument' })
      expect(world.fake.journal).toEqual([])
    },
  )
})
