import type { ConnectedDriver } from '@mcm/sdk/client'
import { PluginChangeKind, PluginState } from '@mcm/sdk/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { fixture } from '../contract/testing/built-program.ts'
import { makeGate } from '../contract/testing/gate.ts'
import { type HostProcess, startHost } from '../contract/testing/host-process.ts'
import { mcm } from '../contract/testing/mcm.ts'
import { failureOf, request } from '../contract/testing/requests.ts'

// A host with little patience.

let host: HostProcess
let driver: ConnectedDriver

beforeAll(async () => {
  const plugins = ['looping', 'slow', 'stubborn', 'crashing-in-call'].map(fixture)
  const supervision = { stuckSeconds: 1, abortGraceSeconds: 0.2 }
  host = await startHost({ plugins, config: { supervision, log: { level: 'info' } } })
  driver = host.connect()
})

afterAll(async () => {
  driver?.close()
  await host?.[Symbol.asyncDispose]()
})

const ended = (name: string, how: string) => ({
  code: 'Unavailable',
  source: 'plugin',
  reason: 'PLUGIN_ENDED',
  message: `plugin @mcm-fixture/${name} ${how} during CreateMachine; the call can be repeated safely`,
})

async function pluginOf(name: string) {
  const { plugins } = await driver.listPlugins()
  const plugin = plugins.find((one) => one.name === `@mcm-fixture/${name}`)
  if (!plugin) throw new Error(`no plugin ${name}`)
  return plugin
}

describe('a plugin whose event loop is stuck', () => {
  const how = 'was stuck: its event loop gave no sign of life for 1 s'

  it('is ended, its callers learn why, and the next call works in a new process', async () => {
    const before = await driver.getMachineStatus(request('Looping'))
    const calls = ['m-1', 'm-2'].map((name) => failureOf(driver.createMachine(request('Looping', {}, {}, name))))
    expect(await Promise.all(calls)).toEqual([ended('looping', how), ended('looping', how)])
    const reason = `${how}; its last lines:\n  looping`
    expect(await pluginOf('looping')).toMatchObject({ state: PluginState.STOPPED, reason, pid: 0 })
    const after = await driver.getMachineStatus(request('Looping'))
    expect(after.nodeName).not.toBe(before.nodeName)
    expect(() => process.kill(Number(before.nodeName), 0)).toThrow('ESRCH')
    expect(await pluginOf('looping')).toMatchObject({
      state: PluginState.READY,
      reason: '',
      restarts: 1,
      lastFailure: { cause: how, lastLines: ['looping'] },
    })
  })

  it('is not one that has taken a call and waits for its cloud', async () => {
    await using gate = await makeGate()
    const slow = driver.createMachine(request('Slow', { gate: gate.path }))
    await gate.arrived()
    const { pid } = await pluginOf('slow')
    // For as long as it takes to find one that is stuck.
    await failureOf(driver.createMachine(request('Looping')))
    gate.open()
    expect(await slow).toEqual({ providerID: 'slow:///m-1', nodeName: 'm-1' })
    expect(await pluginOf('slow')).toMatchObject({ pid, restarts: 0, errors: 0 })
  })
})

describe('a plugin that ignores the signal of a call', () => {
  it('is replaced; its other calls are answered, and then the machine is free', async () => {
    await using never = await makeGate()
    await using gate = await makeGate()
    const controller = new AbortController()
    const stubborn = driver.createMachine(request('Stubborn', { gate: never.path }), { signal: controller.signal })
    const neighbour = driver.createMachine(request('Stubborn', { gate: gate.path }, {}, 'm-2'))
    await Promise.all([never.arrived(), gate.arrived()])
    const { pid } = await pluginOf('stubborn')
    controller.abort()
    expect(await failureOf(stubborn)).toMatchObject({ code: 'Canceled' })

    const warning = await host.log.first(({ msg }) => msg === 'plugin ignores the signal of a call')
    expect(warning).toMatchObject({ plugin: '@mcm-fixture/stubborn', method: 'CreateMachine', machine: 'default/m-1' })
    await host.log.first(({ msg, plugin }) => msg === 'plugin draining' && plugin === '@mcm-fixture/stubborn')
    expect((await pluginOf('stubborn')).instances).toMatchObject([
      { state: PluginState.READY, running: 0 },
      { state: PluginState.DRAINING, reason: 'a call ignores its signal', pid, running: 2 },
    ])
    // A fresh process takes new calls. The machine is not theirs yet: the old one may still work on it.
    expect(await driver.deleteMachine(request('Stubborn', { gate: gate.path }, {}, 'm-3'))).toEqual({})
    const remove = () => driver.deleteMachine(request('Stubborn', { gate: gate.path }))
    expect(await failureOf(remove())).toMatchObject({ code: 'Aborted', reason: 'MACHINE_BUSY' })

    gate.open()
    expect((await neighbour).providerID).toBe('stubborn:///m-2')
    await host.log.first((entry) => entry.msg === 'plugin ended' && entry.pid === pid)
    expect(await remove()).toEqual({})
    expect(await pluginOf('stubborn')).toMatchObject({ state: PluginState.READY, reason: '', restarts: 0 })
  })
})

describe('a plugin that ends by itself three times', () => {
  it('is left alone, with the cause and its last lines, until somebody has the plugins loaded again', async () => {
    const crash = () => failureOf(driver.createMachine(request('CrashingInCall')))
    for (let i = 0; i < 3; i++) expect(await crash()).toEqual(ended('crashing-in-call', 'exited with code 1'))

    const why =
      /left alone until \d\d:\d\d:\d\d UTC, or until "mcm plugin reload": it ended by itself 3 times in 5 min, last at \d\d:\d\d:\d\d: exited with code 1$/
    expect(await crash()).toEqual({
      code: 'Unavailable',
      source: 'plugin',
      reason: 'PLUGIN_QUARANTINED',
      message: expect.stringMatching(why),
      retryAfterMs: expect.any(Number),
    })
    const list = await mcm('plugin', 'list', '--endpoint', host.endpoint)
    const row = list.stdout.split('\n').find((line) => line.startsWith('@mcm-fixture/crashing-in-call ')) ?? ''
    const [, , , state = '', ...figures] = row.split(/ {2,}/)
    expect(state).toMatch(/^quarantined: left alone until/)
    expect(state).toMatch(why)
    // Neither process nor memory; four calls, of which the last did not come to it.
    expect(figures.slice(0, 5)).toEqual(['–', '–', '3', '3', '2'])
    const { stdout } = await mcm('plugin', 'show', 'CrashingInCall', '--endpoint', host.endpoint)
    const { lastFailure } = parse(stdout)
    expect(lastFailure).toMatchObject({ cause: 'exited with code 1' })
    expect(lastFailure.lastLines).toContain('Error: nobody catches me')

    const { changes } = await driver.reloadPlugins()
    const kinds = changes.map(({ name, kind }) => [name, PluginChangeKind[kind]])
    expect(kinds).toContainEqual(['@mcm-fixture/crashing-in-call', 'UPGRADED'])
    expect(await pluginOf('crashing-in-call')).toMatchObject({ state: PluginState.READY, reason: '' })
    expect(await driver.getMachineStatus(request('CrashingInCall'))).toMatchObject({ providerID: 'x:///m-1' })
  })
})

describe('a plugin that never says hello', () => {
  it('is ended, and listed with the reason', async () => {
    const config = { supervision: { startSeconds: 0.5 }, log: { level: 'info' } }
    await using impatient = await startHost({ plugins: [fixture('silent')], config })
    await using driver = impatient.connect()
    const reason = 'it said no hello within 0.5 s'
    const { plugins } = await driver.listPlugins()
    expect(plugins).toMatchObject([{ state: PluginState.FAILED, reason, lastFailure: { cause: reason } }])
    expect(await failureOf(driver.createMachine(request('Silent')))).toEqual({
      code: 'Unavailable',
      source: 'plugin',
      reason: 'PLUGIN_UNUSABLE',
      message: `plugin @mcm-fixture/silent cannot be used: ${reason}`,
    })
  })
})
