import { sleep } from '@mcm/sdk'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fixture } from './testing/built-program.ts'
import { makeGate } from './testing/gate.ts'
import { type HostProcess, startHost } from './testing/host-process.ts'
import { failureOf, machineClass, request } from './testing/requests.ts'

let host: HostProcess
beforeAll(async () => {
  host = await startHost({ plugins: ['throttling', 'slow'].map(fixture) })
})
afterAll(async () => await host?.[Symbol.asyncDispose]())

const ofTenant = (token: string, name: string) => request('Throttling', {}, { token }, name)
const { signal } = new AbortController()

it('a cloud that throttles one tenant is left alone with its Secret only, and called again by itself', async () => {
  await using driver = host.connect()
  const throttle = async (...throttle: string[]) =>
    void (await driver.createMachine(request('Throttling', { throttle }, { token: 'operator' }, 'control')))
  await throttle('tenant-a')

  // Side by side, so that a neighbour's trouble would show.
  const neighbour = Promise.all(
    Array.from({ length: 200 }, async (_, i) => await driver.createMachine(ofTenant('tenant-b', `b-${i}`))),
  )
  const failures: Record<string, unknown>[] = []
  for (let i = 0; i < 10; i++) failures.push(await failureOf(driver.createMachine(ofTenant('tenant-a', `a-${i}`))))
  const answered = await neighbour
  expect(answered.map(({ nodeName }) => Number(nodeName)).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 200 }, (_, i) => i + 1),
  )
  const byCloud = {
    code: 'Unavailable',
    source: 'cloud',
    reason: 'Throttled',
    message: '429 Too Many Requests',
    retryAfterMs: 3000,
  }
  const byHost = {
    code: 'Unavailable',
    source: 'cloud',
    reason: 'CLOUD_UNAVAILABLE',
    message: expect.stringMatching(
      /^CreateMachine was not begun, since the last calls of @mcm-fixture\/throttling with the same Secret found its cloud away: 429 Too Many Requests; try again in [1-3] s$/,
    ),
    retryAfterMs: expect.any(Number),
  }
  expect(failures.slice(0, 5)).toEqual(Array.from({ length: 5 }, () => byCloud))
  expect(failures[5]).toEqual(byHost)

  await throttle()
  // As a tenant does that heeds what the host says.
  let nodeName: string | undefined
  while (!nodeName) {
    const call = driver.createMachine(ofTenant('tenant-a', 'a-again'))
    nodeName = (await call.catch(() => undefined))?.nodeName
    if (!nodeName) await sleep(Number((await failureOf(call)).retryAfterMs), signal)
  }
  // Nothing of what was refused has reached the cloud, but for tries.
  const tries = failures.filter(({ reason }) => reason === 'Throttled').length
  expect(nodeName).toBe(String(tries + 1))
  for (let i = 0; i < 20; i++) await driver.getMachineStatus(ofTenant('tenant-a', `a-${i}`))

  const told = host.log.all.filter(({ msg }) => msg.startsWith('cloud '))
  expect(told.map(({ level, plugin, msg }) => [level, plugin, msg])).toEqual([
    [40, '@mcm-fixture/throttling', 'cloud is left alone for a while'],
    [30, '@mcm-fixture/throttling', 'cloud answers again'],
  ])
  expect(host.stderr()).not.toContain('tenant-a')
})

it('a look whose plugin ends is asked of the next one, and a change is not', async () => {
  await using driver = host.connect()
  const pid = async () => {
    const { plugins } = await driver.listPlugins()
    return plugins.find(({ name }) => name === '@mcm-fixture/slow')?.pid ?? 0
  }
  await using gate = await makeGate()
  const list = driver.listMachines({ machineClass: machineClass('Slow', { gate: gate.path }) })
  await gate.arrived(1)
  const first = await pid()
  process.kill(first, 'SIGKILL')
  await gate.arrived(2)
  const second = await pid()
  expect(second).not.toBe(first)
  gate.open()
  expect(await list).toEqual({ machineList: { 'slow:///1': String(second) } })

  const create = failureOf(driver.createMachine(request('Slow', { gate: gate.path })))
  await gate.arrived(3)
  process.kill(second, 'SIGKILL')
  expect(await create).toMatchObject({ code: 'Unavailable', source: 'plugin', reason: 'PLUGIN_ENDED' })
})
