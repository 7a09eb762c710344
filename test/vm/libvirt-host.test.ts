import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ConnectedDriver } from '@mcm/sdk/client'
import type { MachineRequest } from '@mcm/sdk/contract'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type HostProcess, startHost } from '../contract/testing/host-process.ts'
import { consoleUntil, guestMarkers } from '../env/guest-console.ts'
import { ensureGuestImage } from '../env/guest-image.ts'
import { cluster, DriverWorld, nothing } from './testing/driver-world.ts'

// The whole path: a client, the built host as a process, the built plugin as a process of its own, libvirtd, QEMU.
const signal = AbortSignal.timeout(600_000)
const plugin = fileURLToPath(new URL('../../plugins/libvirt', import.meta.url))
let world: DriverWorld
let host: HostProcess
let driver: ConnectedDriver

beforeAll(async () => {
  world = await DriverWorld.start(signal)
  await serve()
})
afterEach(async () => await world.clear())
afterAll(async () => {
  driver?.close()
  await host?.[Symbol.asyncDispose]()
  await world?.[Symbol.asyncDispose]()
})

async function serve() {
  host = await startHost({ plugins: [plugin] })
  driver = host.connect()
}

async function pluginPid(): Promise<number> {
  const { plugins } = await driver.listPlugins()
  const [one] = plugins
  if (!one || one.pid === 0) throw new Error('the plugin does not run')
  return one.pid
}

/** Does something as soon as libvirt has defined the machine, which is in the middle of its creation. */
async function onceDefined(act: () => void | Promise<void>): Promise<void> {
  const watch = await world.libvirt.watchDomains({ signal })
  for await (const { event } of watch) if (event === 'defined') return await act()
}

/** A creation that fails must not be taken for an error of the test before somebody looks. */
function createdLater(request: MachineRequest) {
  const created = driver.createMachine(request, { signal })
  created.catch(() => {})
  return created
}

function classOf({ machineClass }: MachineRequest) {
  return { machineClass }
}

async function expectOneMachine(name: string) {
  const { domains, processes } = await world.everything()
  expect({ domains, processes }).toEqual({ domains: [world.identity(name).stem], processes: 1 })
}

test('a machine lives, through every part', async () => {
  const image = await ensureGuestImage({ signal, log: () => {} })
  const changes = { image: { path: image.path }, memoryMiB: 96, networks: [{ type: 'user' }] }
  const request = world.request('through', changes, '#!/bin/sh\necho "hello, hush, from $(hostname)"\n')
  const { uuid, stem } = world.identity('through')
  expect(await driver.validateMachineClass(classOf(request))).toEqual({ violations: [] })

  const vm = await driver.createMachine(request, { signal })
  expect(vm).toMatchObject({ providerID: `libvirt:///${uuid}`, nodeName: 'through' })
  const lines = await consoleUntil(join(world.poolPath, `${stem}_console.log`), guestMarkers.ready, signal)
  expect(lines).toContain('hello, hush, from through')
  expect(await driver.getMachineStatus(request)).toMatchObject({ providerID: vm.providerID, nodeName: 'through' })
  expect(await driver.listMachines(classOf(request))).toMatchObject({ machineList: { [vm.providerID]: 'through' } })
  expect(await driver.createMachine(request)).toMatchObject({ providerID: vm.providerID })
  await expectOneMachine('through')

  await driver.deleteMachine({ ...request, machine: { ...request.machine, spec: { providerID: vm.providerID } } })
  expect(await world.everything()).toEqual(nothing)
  await expect(driver.getMachineStatus(request)).rejects.toThrow(expect.objectContaining({ code: 'NotFound' }))
  expect(host.stderr()).not.toContain('hush')
})

test('a class that is wrong in ways that no schema can say is refused before anything is asked', async () => {
  const forwards = [
    { hostPort: 22, guestPort: 22 },
    { hostPort: 22, guestPort: 23 },
  ]
  const { machineClass } = world.request('a', {
    uri: 'http://x',
    image: { url: 'http://user:hush@x/', sha256: 'a'.repeat(64) },
    networks: [{ type: 'user', forwards }],
  })
  const { violations } = await driver.validateMachineClass({ machineClass })
  expect(violations.map(({ path }) => path)).toEqual([
    'providerSpec.uri',
    'providerSpec.image.url',
    'providerSpec.networks[0].forwards[1].hostPort',
  ])
})

test('the plugin is killed during a creation: told at once, and the next call finishes that one machine', async () => {
  const request = world.request('a')
  let killedAt = 0
  const killed = onceDefined(async () => {
    process.kill(await pluginPid(), 'SIGKILL')
    killedAt = performance.now()
  })
  const created = createdLater(request)
  await killed
  await expect(created).rejects.toThrow(expect.objectContaining({ code: 'Unavailable' }))
  expect(performance.now() - killedAt).toBeLessThan(2000)

  const vm = await driver.createMachine(request, { signal })
  expect(await driver.getMachineStatus(request)).toMatchObject({ providerID: vm.providerID })
  await expectOneMachine('a')
  await driver.deleteMachine(request)
  expect(await world.everything()).toEqual(nothing)
})

test('the host is killed during a creation: the next host finishes that one machine', async () => {
  const request = world.request('a')
  const killed = onceDefined(() => void host.process.kill('SIGKILL'))
  const created = createdLater(request)
  await killed
  await expect(created).rejects.toThrow(expect.objectContaining({ code: 'Unavailable' }))
  await host.exited
  driver.close()
  await host[Symbol.asyncDispose]()
  await serve()
  const vm = await driver.createMachine(request, { signal })
  expect(await driver.listMachines(classOf(request))).toMatchObject({ machineList: { [vm.providerID]: 'a' } })
  await expectOneMachine('a')
})

test('a deadline that passes during a creation: told, and the next call adopts what is there', async () => {
  const request = world.request('a')
  const controller = new AbortController()
  const aborted = onceDefined(() => controller.abort())
  const created = driver.createMachine(request, { signal: controller.signal })
  created.catch(() => {})
  await aborted
  await expect(created).rejects.toThrow(expect.objectContaining({ code: 'Canceled' }))
  // The plugin may still be at work, and then the host says so.
  const create = async (): Promise<string> => {
    try {
      return (await driver.createMachine(request, { signal })).providerID
    } catch (error) {
      if ((error as { code?: string }).code !== 'Aborted') throw error
      return await create()
    }
  }
  expect(await create()).toBe(`libvirt:///${world.identity('a').uuid}`)
  await expectOneMachine('a')
})

test('clusters do not see each other', async () => {
  const ours = world.request('a')
  const theirs = world.request('a', { cluster: 'other' })
  const [one, two] = [await driver.createMachine(ours), await driver.createMachine(theirs)]
  expect(one.providerID).not.toBe(two.providerID)
  expect(await driver.listMachines(classOf(theirs))).toMatchObject({ machineList: { [two.providerID]: 'a' } })
  const crossed = { ...theirs, machine: { ...theirs.machine, spec: { providerID: one.providerID } } }
  await expect(driver.deleteMachine(crossed)).rejects.toThrow(
    expect.objectContaining({ code: 'FailedPrecondition', message: expect.stringContaining(`cluster "${cluster}"`) }),
  )
  await driver.deleteMachine(theirs)
  await expectOneMachine('a')
})
