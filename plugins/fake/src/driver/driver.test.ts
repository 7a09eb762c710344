import { MachineError, type MachineVm } from '@mcm/sdk'
import { loadPlugin } from '@mcm/sdk/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { connectCloud, type InstanceRequest } from '../cloud/index.ts'
import plugin from '../index.ts'
import type { FakeSpec } from '../provider-spec.ts'
import { ofClass, ofMachine, specWith } from '../testing/requests.ts'
import { scratchCloud } from '../testing/scratch-cloud.ts'

/** The driver with a cloud of its own. */
async function setUp(changes: Partial<FakeSpec> = {}, { signal = AbortSignal.timeout(20_000) } = {}) {
  const { endpoint, control } = await scratchCloud()
  const driver = loadPlugin(plugin)
  onTestFinished(() => driver[Symbol.asyncDispose]())
  const spec = specWith({ endpoint, ...changes })
  const otherCluster = { ...spec, tags: { 'kubernetes.io/cluster/other': '1' } }
  return {
    control,
    spec,
    otherCluster,
    create: (name?: string, secret = {}, from = spec) =>
      driver.call('createMachine', ofMachine(from, name, undefined, secret), { signal }),
    remove: (name?: string, vm?: MachineVm, from = spec) =>
      driver.call('deleteMachine', ofMachine(from, name, vm), { signal }),
    status: (name?: string, vm?: MachineVm, from = spec) =>
      driver.call('getMachineStatus', ofMachine(from, name, vm), { signal }),
    initialize: (name?: string, vm?: MachineVm) =>
      driver.call('initializeMachine', ofMachine(spec, name, vm), { signal }),
    list: async (from = spec) => (await driver.call('listMachines', ofClass(from), { signal })).machineList,
    living: async () => (await control.instances()).filter(({ state }) => state !== 'terminated'),
    /** Makes an instance behind the driver's back. */
    async sneakIn(changes: Partial<InstanceRequest> = {}) {
      const cloud = await connectCloud({ endpoint, token: 'demo:1', signal })
      const { region, zone, machineType, image, disk, networks, tags, spot } = spec
      const request = { region, zone, machineType, image, disk, networks, tags, spot, name: 'worker-1' }
      const rest = { clientToken: crypto.randomUUID(), bootMs: 0, needsInitialization: false }
      const instance = await cloud.createInstance({ ...request, ...rest, ...changes }, { signal })
      cloud.close()
      return { providerID: `fake:///${instance.region}/${instance.id}`, nodeName: instance.name }
    },
  }
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable('should have failed'),
    (error: unknown) => MachineError.from(error),
  )

describe('createMachine', () => {
  it('makes a VM with all that the class says', async () => {
    const { create, control } = await setUp({ networks: [{ subnet: 'nodes', publicAddress: true }] })
    const vm = await create('worker-1', { userData: '#!/bin/sh' })
    const [instance] = await control.instances()
    expect(vm).toEqual({
      providerID: `fake:///eu-1/${instance?.id}`,
      nodeName: 'worker-1',
      addresses: [
        { type: 'InternalIP', address: '10.0.0.1' },
        { type: 'ExternalIP', address: '198.18.0.1' },
      ],
    })
    expect(instance).toMatchObject({
      account: 'demo',
      state: 'running',
      machineType: 'small-1',
      userData: { bytes: 9 },
    })
    expect(JSON.stringify(instance)).not.toContain('/bin/sh')
  })

  it('adopts the VM that is there already', async () => {
    const { create, control } = await setUp()
    expect(await create()).toEqual(await create())
    expect(await control.instances()).toHaveLength(1)
  })

  it('adopts a VM whose answer got lost, even while reads do not show it yet', async () => {
    const { create, control } = await setUp()
    await control.set({ appearsAfterMs: 3_600_000 })
    await control.inject({ on: 'createMachine', error: 'ConnectionReset', afterExecution: true })
    expect(await failure(create())).toMatchObject({ code: 'Unavailable', reason: 'ConnectionReset', source: 'cloud' })
    const vm = await create()
    expect(await control.instances()).toMatchObject([{ id: vm.providerID.split('/').at(-1) }])
  })

  it('makes one VM when asked many times at once', async () => {
    const { create, control } = await setUp()
    const vms = await Promise.all(Array.from({ length: 20 }, () => create()))
    expect(new Set(vms.map(({ providerID }) => providerID)).size).toBe(1)
    expect(await control.instances()).toHaveLength(1)
  })

  it('makes a new VM for a name whose VM is gone', async () => {
    const { create, remove, living } = await setUp()
    const first = await create()
    await remove('worker-1', first)
    expect((await create()).providerID).not.toBe(first.providerID)
    expect(await living()).toHaveLength(1)
  })

  it.each([0, 3_600_000])('refuses an existing VM of another kind (reads lag %d ms)', async (appearsAfterMs) => {
    const { create, control, spec } = await setUp()
    await control.set({ appearsAfterMs })
    await create()
    expect(await failure(create('worker-1', {}, { ...spec, machineType: 'large-4' }))).toMatchObject({
      code: 'AlreadyExists',
      source: 'cloud',
    })
  })

  it('does not adopt the VM of another cluster or account', async () => {
    const { create, control, otherCluster } = await setUp()
    await create()
    await create('worker-1', {}, otherCluster)
    await create('worker-1', { token: 'other-account:1' })
    expect(await control.instances()).toHaveLength(3)
  })

  it.each<[string, Partial<FakeSpec>, object, string, string]>([
    ['a machine type that is not offered', { machineType: 'huge' }, {}, 'InvalidArgument', 'InvalidParameter'],
    ['a region that is not there', { region: 'eu-9', zone: 'eu-9a' }, {}, 'InvalidArgument', 'InvalidParameter'],
    ['an unknown image', { image: 'toaster' }, {}, 'NotFound', 'ImageNotFound'],
    ['too small a disk', { image: 'linux-big-1' }, {}, 'OutOfRange', 'SizeOutOfRange'],
    ['a malformed token', {}, { token: 'nonsense' }, 'Unauthenticated', 'InvalidToken'],
  ])('answers %s with a code and the reason', async (_, changes, secret, code, reason) => {
    const { create } = await setUp(changes)
    expect(await failure(create('worker-1', secret))).toMatchObject({ code, reason, source: 'cloud' })
  })

  it('refuses what the cloud should not even see', async () => {
    const { create, control } = await setUp()
    expect(await failure(create('worker-1', { userData: 'x'.repeat(16_385) }))).toMatchObject({
      code: 'InvalidArgument',
      violations: [{ path: 'secret.data.userData', message: 'is 16385 bytes long; at most 16384 are possible' }],
    })
    expect(await failure(create('Not a host name'))).toMatchObject({ code: 'InvalidArgument' })
    expect(await control.instances()).toEqual([])
  })
})

describe('deleteMachine', () => {
  it('removes the VM by its providerID, and by name without one', async () => {
    const { create, remove, living } = await setUp()
    await remove('worker-1', await create('worker-1'))
    await create('worker-2')
    await remove('worker-2')
    expect(await living()).toEqual([])
  })

  it('succeeds when there is nothing to remove', async () => {
    const { create, remove } = await setUp()
    const vm = await create()
    await remove('worker-1', vm)
    await remove('worker-1', vm)
    await remove('never-there')
    await remove('never-there', { providerID: 'fake:///eu-1/i-0', nodeName: '' })
  })

  it('removes a VM that reads do not show yet', async () => {
    const { create, control, remove, living } = await setUp()
    await control.set({ appearsAfterMs: 3_600_000 })
    await remove('worker-1', await create())
    await create('worker-2')
    await remove('worker-2')
    expect(await living()).toEqual([])
  })

  it('leaves a VM of another cluster alone that reads do not show yet', async () => {
    const { create, control, remove, living, otherCluster } = await setUp()
    await control.set({ appearsAfterMs: 3_600_000 })
    await create('worker-1', {}, otherCluster)
    await remove('worker-1')
    expect(await living()).toHaveLength(1)
  })

  it('removes all VMs of the name, or only the one that the providerID names', async () => {
    const { create, sneakIn, remove, living } = await setUp()
    const first = await create()
    await sneakIn()
    const third = await sneakIn()
    await remove('worker-1', third)
    expect(await living()).toHaveLength(2)
    await remove('', first)
    expect(await living()).toHaveLength(1)
    await sneakIn()
    await remove('worker-1')
    expect(await living()).toEqual([])
  })

  it("never touches another cluster's VM", async () => {
    const { create, remove, living, otherCluster } = await setUp()
    const vm = await create('worker-1', {}, otherCluster)
    await remove('worker-1', vm)
    await remove('worker-1')
    expect(await living()).toHaveLength(1)
  })

  it.each([
    ['without a name or a providerID', '', undefined],
    ["with another provider's providerID", 'worker-1', 'aws:///eu-west-1/i-1'],
  ])('refuses a Machine %s', async (_, name, providerID) => {
    const { remove } = await setUp()
    const vm = providerID === undefined ? undefined : { providerID, nodeName: '' }
    expect(await failure(remove(name, vm))).toMatchObject({ code: 'InvalidArgument' })
  })
})

describe('getMachineStatus', () => {
  it('finds the VM by name and by providerID', async () => {
    const { create, status } = await setUp()
    const vm = await create()
    expect(await status('worker-1')).toEqual(vm)
    expect(await status('worker-1', vm)).toEqual(vm)
  })

  it("answers NotFound for none, for a dead one and for another cluster's", async () => {
    const { create, status, control, otherCluster } = await setUp()
    expect(await failure(status())).toMatchObject({ code: 'NotFound', reason: 'InstanceNotFound' })
    const vm = await create()
    expect(await failure(status('worker-1', vm, otherCluster))).toMatchObject({ code: 'NotFound' })
    const [instance] = await control.instances()
    expect(await control.kill(instance?.id ?? '')).toBe(true)
    expect(await failure(status('worker-1', vm))).toMatchObject({ code: 'NotFound' })
    expect(await failure(status('worker-1'))).toMatchObject({ code: 'NotFound' })
  })

  it('answers OutOfRange for several', async () => {
    const { create, sneakIn, status } = await setUp()
    await create()
    await sneakIn()
    expect(await failure(status())).toMatchObject({ code: 'OutOfRange', source: 'cloud' })
  })

  it('answers Uninitialized until the VM runs and was initialized', async () => {
    const { create, status, initialize, control } = await setUp({ initialization: 'required', bootSeconds: 3600 })
    const vm = await create()
    const uninitialized = { code: 'Uninitialized', ...vm }
    expect(await failure(status('worker-1', vm))).toMatchObject(uninitialized)
    const { providerID, nodeName } = vm
    expect(await failure(initialize('worker-1', vm))).toMatchObject({ code: 'Uninitialized', providerID, nodeName })
    await control.advance(3_600_000)
    expect(await failure(status('worker-1', vm))).toMatchObject(uninitialized)
    expect(await initialize('worker-1', vm)).toEqual(vm)
    expect(await initialize('worker-1')).toEqual(vm)
    expect(await status('worker-1', vm)).toEqual(vm)
  })

  it('goes by what reads show', async () => {
    const { create, status, remove, control } = await setUp()
    await control.set({ appearsAfterMs: 3_600_000, disappearsAfterMs: 3_600_000 })
    const vm = await create()
    expect(await failure(status('worker-1', vm))).toMatchObject({ code: 'NotFound' })
    await control.advance(3_600_000)
    expect(await status('worker-1', vm)).toEqual(vm)
    await remove('worker-1', vm)
    expect(await status('worker-1', vm)).toEqual(vm)
    await control.advance(3_600_000)
    expect(await failure(status('worker-1', vm))).toMatchObject({ code: 'NotFound' })
  })
})

describe('initializeMachine', () => {
  it('answers NotFound when the VM is gone', async () => {
    const { create, initialize, remove } = await setUp({ initialization: 'required' })
    const vm = await create()
    await remove('worker-1', vm)
    expect(await failure(initialize('worker-1', vm))).toMatchObject({ code: 'NotFound' })
  })
})

describe('listMachines', () => {
  it("answers this cluster's living VMs, over all pages", async () => {
    const { create, list, control, remove, otherCluster } = await setUp()
    await control.set({ pageSize: 3, terminationMs: 3_600_000 })
    const names = Array.from({ length: 10 }, (_, index) => `worker-${index}`)
    const vms = await Promise.all(names.map((name) => create(name)))
    await create('foreign', {}, otherCluster)
    await remove('worker-0', vms[0])
    expect(await list()).toEqual(Object.fromEntries(vms.slice(1).map((vm) => [vm.providerID, vm.nodeName])))
  })

  it('fails as a whole when a page fails', async () => {
    const { create, list, control } = await setUp()
    await control.set({ pageSize: 1 })
    await create('worker-1')
    await create('worker-2')
    await control.inject({ on: 'listMachines', error: 'Throttled', retryAfterMs: 700 })
    expect(await failure(list())).toMatchObject({ code: 'Unavailable', reason: 'Throttled', retryAfterMs: 700 })
    expect(Object.values(await list())).toEqual(['worker-1', 'worker-2'])
  })
})

it('ends a call that hangs when its signal aborts', async () => {
  const aborter = new AbortController()
  const { create, control } = await setUp({}, { signal: aborter.signal })
  await control.inject({ on: 'createMachine', delayMs: 3_600_000 })
  const creation = failure(create())
  while ((await control.faults()).length > 0) await new Promise(setImmediate)
  aborter.abort(new DOMException('too late', 'TimeoutError'))
  expect(await creation).toMatchObject({ code: 'DeadlineExceeded' })
  expect(await control.instances()).toEqual([])
})
