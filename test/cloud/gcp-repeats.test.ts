import { type LoadedPlugin, loadPlugin, machineRequest } from '@mcm/sdk/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import plugin from '../../plugins/gcp/src/index.ts'
import { FakeCompute } from '../fake-compute/server.ts'

const variables = ['CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE', 'CLOUDSDK_AUTH_TOKEN_HOST']
let fake: FakeCompute
let gcp: LoadedPlugin
let serviceAccountJSON: string
beforeEach(async () => {
  fake = await FakeCompute.start()
  process.env.CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE = `${fake.url}/compute/v1/`
  process.env.CLOUDSDK_AUTH_TOKEN_HOST = `${fake.url}/token`
  serviceAccountJSON = JSON.stringify(fake.tokens.serviceAccountKey('demo-project'))
  gcp = loadPlugin(plugin)
})
afterEach(async () => {
  for (const name of variables) delete process.env[name]
  await gcp[Symbol.asyncDispose]()
  await fake[Symbol.asyncDispose]()
})

const providerSpec = {
  region: 'europe-west1',
  zone: 'europe-west1-b',
  machineType: 'n2-standard-2',
  disks: [{ type: 'pd-balanced', boot: true, image: 'projects/debian-cloud/global/images/debian-13-trixie-v20261015' }],
  networkInterfaces: [{ network: 'default' }],
  scheduling: { automaticRestart: true, onHostMaintenance: 'MIGRATE' },
  tags: ['kubernetes-io-cluster-one', 'kubernetes-io-role-node'],
}
const request = (name: string, changes = {}, userData = '#cloud-config\n') =>
  machineRequest(name, { providerSpec: { ...providerSpec, ...changes }, secret: { userData, serviceAccountJSON } })
const names = () => fake.cloud.instances.map(({ resource }) => resource.name)
/** Does something at Compute when an operation is waited for. */
function onceAtWait(act: () => void) {
  const find = fake.cloud.findOperation.bind(fake.cloud)
  fake.cloud.findOperation = (place, name) => {
    fake.cloud.findOperation = find
    act()
    return find(place, name)
  }
}
const noRoom = { errors: [{ code: 'ZONE_RESOURCE_POOL_EXHAUSTED', message: 'no room' }] }

describe('a creation that is repeated', () => {
  it('makes a VM again that has gone since', async () => {
    await gcp.call('createMachine', request('m-1'))
    await gcp.call('deleteMachine', request('m-1'))
    await gcp.call('createMachine', request('m-1'))
    expect(names()).toEqual(['m-1'])
  })

  it('makes one VM after an answer that got lost, and a failed operation', async () => {
    fake.faults.add({ action: 'instances.insert', operation: noRoom })
    await expect(gcp.call('createMachine', request('m-1'))).rejects.toMatchObject({
      code: 'ResourceExhausted',
      reason: 'ZONE_RESOURCE_POOL_EXHAUSTED',
    })
    fake.faults.add({ action: 'instances.insert', cut: 'after' })
    await gcp.call('createMachine', request('m-1'))
    expect(names()).toEqual(['m-1'])
  })

  it('waits for the first try also with other user data, and tells how it ended', async () => {
    fake.cloud.behaviour.looksUntilDone = 3
    fake.faults.add({ action: 'instances.insert', operation: noRoom, cut: 'after' })
    fake.faults.add({ action: 'instances.insert', times: 2, cut: 'before' })
    await expect(gcp.call('createMachine', request('m-1'))).rejects.toMatchObject({ code: 'Unavailable' })
    await expect(gcp.call('createMachine', request('m-1', {}, '#cloud-config\nb'))).rejects.toMatchObject({
      code: 'ResourceExhausted',
    })
    expect(names()).toEqual([])
  })

  it('does not take a VM of another type for its own', async () => {
    await gcp.call('createMachine', request('m-1'))
    const other = request('m-1', { machineType: 'e2-medium' })
    await expect(gcp.call('createMachine', other)).rejects.toMatchObject({
      code: 'AlreadyExists',
      message: 'Create machine "m-1" failed: VM m-1 is there with type n2-standard-2, not e2-medium',
    })
  })

  it('adopts a VM of which only the operation tells', async () => {
    await gcp.call('createMachine', request('m-1'))
    const there = fake.cloud.instances.splice(0)
    const exists = { errors: [{ code: 'RESOURCE_ALREADY_EXISTS', message: 'it is there' }] }
    fake.faults.add({ action: 'instances.insert', operation: exists, times: 2 })
    onceAtWait(() => fake.cloud.instances.push(...there))
    expect(await gcp.call('createMachine', request('m-1'))).toMatchObject({ nodeName: 'm-1' })
  })
})

it('ends the wait for an operation before the deadline, and says which one it was', async () => {
  Object.assign(fake.cloud.behaviour, { looksUntilDone: 1_000, waitMs: 120_000 })
  const failed = gcp.call('createMachine', request('m-1'), { deadlineMs: Date.now() + 3_000 })
  await expect(failed).rejects.toMatchObject({
    code: 'DeadlineExceeded',
    message: expect.stringMatching(/^Create machine "m-1" failed: timed out waiting for the operation operation-\d+/),
  })
})

it.each(['getMachineStatus', 'deleteMachine'] as const)(
  '%s: a project that is not there is no VM that is gone',
  async (method) => {
    const message = "The resource 'projects/demo-project' was not found"
    fake.faults.add({ action: 'instances.get', error: { status: 404, reason: 'notFound', message } })
    await expect(gcp.call(method, request('m-1'))).rejects.toMatchObject({
      code: 'InvalidArgument',
      reason: 'notFound',
    })
  },
)

it.each([
  ['getMachineStatus', 'instances.get'],
  ['deleteMachine', 'instances.get'],
  ['deleteMachine', 'instances.delete'],
  ['listMachines', 'instances.list'],
] as const)('%s: a quota of %s is one of requests', async (method, action) => {
  await gcp.call('createMachine', request('m-1'))
  fake.faults.add({ action, error: { status: 403, reason: 'quotaExceeded', message: 'Quota exceeded for ReadGroup' } })
  await expect(gcp.call(method, request('m-1'))).rejects.toMatchObject({ code: 'Unavailable', reason: 'quotaExceeded' })
})

it('tells a quota of Compute by its text, where the reason is another', async () => {
  const message = "Quota 'CPUS' exceeded.  Limit: 24.0 in region europe-west1."
  fake.faults.add({ action: 'instances.insert', error: { status: 403, reason: 'forbidden', message } })
  await expect(gcp.call('createMachine', request('m-1'))).rejects.toMatchObject({ code: 'ResourceExhausted' })
})

it('takes a VM for deleted that somebody else has deleted meanwhile', async () => {
  await gcp.call('createMachine', request('m-1'))
  const gone = { errors: [{ code: 'RESOURCE_NOT_FOUND', message: 'it is gone' }] }
  fake.faults.add({ action: 'instances.delete', operation: gone })
  await expect(gcp.call('deleteMachine', request('m-1'))).rejects.toMatchObject({ reason: 'RESOURCE_NOT_FOUND' })
  onceAtWait(() => {
    fake.cloud.instances.length = 0
  })
  fake.faults.add({ action: 'instances.delete', operation: gone })
  expect(await gcp.call('deleteMachine', request('m-1'))).toEqual({})
})

it.each([
  [400, 'invalid_request'],
  [403, 'access_denied'],
])('tells a login that is refused with %i %s as Unauthenticated', async (status, reason) => {
  fake.faults.add({ action: 'token', error: { status, reason } })
  await expect(gcp.call('getMachineStatus', request('m-1'))).rejects.toMatchObject({ code: 'Unauthenticated', reason })
})

it('logs in anew once where its token is refused', async () => {
  await gcp.call('createMachine', request('m-1'))
  fake.tokens.revokeAll()
  fake.journal.length = 0
  expect(await gcp.call('getMachineStatus', request('m-1'))).toMatchObject({ nodeName: 'm-1' })
  expect(fake.actions).toEqual(['instances.get', 'token', 'instances.get'])
})

describe('metadata', () => {
  const metadata = [{ key: 'startup-script', value: 'true' }]
  it('may have a start-up script beside a cloud-config', async () => {
    await gcp.call('createMachine', request('m-1', { metadata }))
    expect(fake.cloud.instances[0]?.resource.metadata).toMatchObject({
      items: [{ key: 'user-data', value: '#cloud-config\n' }, ...metadata],
    })
  })
  it('may not have one beside another', async () => {
    await expect(gcp.call('createMachine', request('m-1', { metadata }, '#!/bin/sh'))).rejects.toMatchObject({
      violations: [
        {
          path: 'providerSpec.metadata[0].key',
          message: 'Forbidden: startup-script comes from userData of the Secret',
        },
      ],
    })
  })
})

it('asks for the network of another project by its path', async () => {
  const path = 'projects/host-project/regions/europe-west1/subnetworks/nodes'
  const nic = {
    network: 'https://www.googleapis.com/compute/v1/projects/host-project/global/networks/n',
    subnetwork: path,
  }
  await gcp.call('createMachine', request('m-1', { networkInterfaces: [nic] })).catch(() => {})
  expect(fake.journal.find(({ action }) => action === 'instances.insert')?.body).toMatchObject({
    networkInterfaces: [{ network: 'projects/host-project/global/networks/n', subnetwork: path }],
  })
})
