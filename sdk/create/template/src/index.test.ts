import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { classRequest, loadPlugin, machineRequest } from '@mcm/sdk/testing'
import myCloud from './index.ts'
import { startMiniCloud } from './mini-cloud.ts'

/** The plugin, a cloud of its own, and a request about a machine. */
async function setUp(t: TestContext, changes: object = {}) {
  const [plugin, cloud] = [loadPlugin(myCloud), await startMiniCloud()]
  t.after(async () => await Promise.all([plugin, cloud].map((one) => one[Symbol.asyncDispose]())))
  const parts = { providerSpec: { endpoint: cloud.url, cluster: 'c', ...changes }, secret: { token: 'demo-token' } }
  return { plugin, cloud, parts, request: machineRequest('worker-1', parts) }
}

test('makes one VM, however often it is asked', async (t) => {
  const { plugin, cloud, request } = await setUp(t)
  const vms = await Promise.all([1, 2, 3].map(() => plugin.call('createMachine', request)))
  assert.deepEqual(vms, Array(3).fill({ providerID: `my-cloud:///${cloud.vms[0]?.id}`, nodeName: 'worker-1' }))
  assert.equal(cloud.vms.length, 1)
})

test('finds, lists and deletes the VM, and has nothing against deleting it again', async (t) => {
  const { plugin, parts, request } = await setUp(t)
  const { providerID } = await plugin.call('createMachine', request)
  assert.equal((await plugin.call('getMachineStatus', request)).providerID, providerID)
  assert.deepEqual(await plugin.call('listMachines', classRequest(parts)), {
    machineList: { [providerID]: 'worker-1' },
  })
  await plugin.call('deleteMachine', request)
  await plugin.call('deleteMachine', machineRequest('worker-1', { ...parts, providerID }))
  await assert.rejects(plugin.call('getMachineStatus', request), { code: 'NotFound' })
})

test('refuses a class that is wrong, without asking the cloud', async (t) => {
  const { plugin, cloud, request } = await setUp(t, { size: 'xxl' })
  await assert.rejects(plugin.call('createMachine', request), { code: 'InvalidArgument' })
  assert.equal(cloud.requests.length, 0)
})

test('says what went wrong at the cloud', async (t) => {
  const { plugin, cloud, request } = await setUp(t)
  cloud.fault = { kind: 'throttled', method: 'createMachine' }
  await assert.rejects(plugin.call('createMachine', request), { reason: 'Throttled', retryAfterMs: 1000 })
})
