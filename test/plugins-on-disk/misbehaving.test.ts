import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ConnectedDriver } from '@mcm/sdk/client'
import { PluginState } from '@mcm/sdk/contract'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { fixture } from '../contract/testing/built-program.ts'
import { makeGate } from '../contract/testing/gate.ts'
import { type HostProcess, type LogEntry, startHost } from '../contract/testing/host-process.ts'
import { failureOf, request } from '../contract/testing/requests.ts'

// One host with every plugin that there is to get wrong. Whatever they do, it must live.

const token = 'tok-"secret"\\2026'
// The host would wait for the silent one when it starts; supervision.test.ts has it.
const names = readdirSync(fileURLToPath(new URL('../fixtures/plugins', import.meta.url))).filter((n) => n !== 'silent')

let host: HostProcess
let driver: ConnectedDriver

beforeAll(async () => {
  // The folders that they are found in are listed one by one, to have them in a known order.
  host = await startHost({ plugins: names.map(fixture) })
  driver = host.connect()
})

afterAll(async () => {
  driver?.close()
  await host?.[Symbol.asyncDispose]()
})

afterEach(async () => {
  const answer = await driver.createMachine(request('Good', { region: 'north' }, { token: 'fine' }, 'alive'))
  expect(answer.providerID).toBe('good:///north/alive')
  expect(host.process.exitCode).toBe(null)
})

const stateOf = async (name: string) => {
  const { plugins } = await driver.listPlugins()
  const plugin = plugins.find((candidate) => candidate.name === `@mcm-fixture/${name}`)
  return plugin && { state: PluginState[plugin.state], reason: plugin.reason }
}

const create = (provider: string, spec = {}, texts = {}) => driver.createMachine(request(provider, spec, texts))

describe('a plugin that cannot be loaded', () => {
  it.each([
    ['crashing-at-load', /^Error: the moon is in the wrong house\n {4}at file:.*/s],
    [
      'no-plugin',
      /^TypeError: file:.* is not a plugin: its default export must be what definePlugin\(\) returned\n.*/s,
    ],
    ['incomplete', /^TypeError: file:.* is not a plugin: definePlugin\(\) needs "secret", an object that says .*/s],
    ['lying-about-contract', /^it speaks contract 2, its package\.json says 1$/],
    ['lying-about-provider', /^it serves SomebodyElse, its package\.json says LyingAboutProvider$/],
    ['too-new', /^it needs contract 99, this host speaks 1; it was made for host >=7\.0\.0, this is \d+\.\d+\.\d+$/],
    ['entryless', /^its entry cannot be found: ENOENT: .*$/],
  ])('%s is listed with the reason', async (name, reason) => {
    expect(await stateOf(name)).toEqual({ state: 'FAILED', reason: expect.stringMatching(reason) })
  })

  it('is started again by the next call, which tells why it cannot be used', async () => {
    expect(await failureOf(create('LyingAboutProvider'))).toEqual({
      code: 'Unavailable',
      source: 'plugin',
      reason: 'PLUGIN_UNUSABLE',
      message:
        'plugin @mcm-fixture/lying-about-provider cannot be used: it serves SomebodyElse, its package.json says LyingAboutProvider',
    })
  })

  it('is named to who asks for its provider, when not even its package fits', async () => {
    const { message } = await failureOf(create('TooNew'))
    expect(message).toMatch(
      /^no plugin serves provider "TooNew"; it serves .*; @mcm-fixture\/too-new would, but is not loaded: it needs contract 99/,
    )
  })
})

describe('a plugin that dies in a call', () => {
  it.each([
    ['CrashingInCall', 'crashing-in-call', 'exited with code 1'],
    ['Exiting', 'exiting', 'exited with code 7'],
  ])('%s: the caller learns it, and the next call works', async (provider, name, how) => {
    expect(await failureOf(create(provider))).toEqual({
      code: 'Unavailable',
      source: 'plugin',
      reason: 'PLUGIN_ENDED',
      message: `plugin @mcm-fixture/${name} ${how} during CreateMachine; the call can be repeated safely`,
    })
    expect((await driver.getMachineStatus(request(provider))).providerID).toBe('x:///m-1')
    expect(await stateOf(name)).toEqual({ state: 'READY', reason: '' })
  })

  it('has its last lines in the log', async () => {
    const entry = await host.log.first(
      ({ msg, plugin }) => msg === 'plugin ended by itself' && plugin === '@mcm-fixture/crashing-in-call',
    )
    expect(entry.cause).toBe('exited with code 1')
    expect(entry.output).toContain('Error: nobody catches me')
  })
})

describe('a plugin that is killed', () => {
  it('fails its calls at once, and works again with the next', async () => {
    await using gate = await makeGate()
    const before = await driver.getMachineStatus(request('Slow', { gate: gate.path }))
    const failure = failureOf(create('Slow', { gate: gate.path }))
    await gate.arrived()
    process.kill(Number(before.nodeName), 'SIGKILL')
    expect(await failure).toEqual({
      code: 'Unavailable',
      source: 'plugin',
      reason: 'PLUGIN_ENDED',
      message: 'plugin @mcm-fixture/slow was ended by SIGKILL during CreateMachine; the call can be repeated safely',
    })
    const again = create('Slow', { gate: gate.path })
    await gate.arrived(2)
    gate.open()
    expect((await again).providerID).toBe('slow:///m-1')
    const after = await driver.getMachineStatus(request('Slow', { gate: gate.path }))
    expect(after.nodeName).not.toBe(before.nodeName)
  })

  it('does so too when a program that it started holds its output open', async () => {
    await using gate = await makeGate()
    const failure = failureOf(create('HoldingOutput', { gate: gate.path }))
    await gate.arrived()
    const { plugins } = await driver.listPlugins()
    process.kill(plugins.find(({ name }) => name === '@mcm-fixture/holding-output')?.pid ?? 0, 'SIGKILL')
    expect(await failure).toMatchObject({ code: 'Unavailable', reason: 'PLUGIN_ENDED' })
  })
})

describe('a plugin that does not come back', () => {
  it('looping: keeps its machine locked, and lets go when its process is killed', async () => {
    const stuck = failureOf(driver.createMachine(request('Looping')))
    // It comes after the first on the same connection.
    expect(await failureOf(driver.deleteMachine(request('Looping')))).toMatchObject({ reason: 'MACHINE_BUSY' })
    const { plugins } = await driver.listPlugins()
    process.kill(plugins.find(({ name }) => name === '@mcm-fixture/looping')?.pid ?? 0, 'SIGKILL')
    expect(await stuck).toMatchObject({ code: 'Unavailable', reason: 'PLUGIN_ENDED' })
    expect((await driver.getMachineStatus(request('Looping'))).providerID).toBe('x:///m-1')
  })

  it('ignoring abort: the caller gets its error, and the machine stays locked until the plugin has ended the call', async () => {
    await using gate = await makeGate()
    const controller = new AbortController()
    const call = driver.createMachine(request('Stubborn', { gate: gate.path }), { signal: controller.signal })
    await gate.arrived()
    controller.abort()
    expect(await failureOf(call)).toMatchObject({ code: 'Canceled' })
    const { message, ...failure } = await failureOf(driver.deleteMachine(request('Stubborn', { gate: gate.path })))
    expect(failure).toEqual({ code: 'Aborted', source: 'host', reason: 'MACHINE_BUSY' })
    expect(message).toMatch(
      /^CreateMachine of machine default\/m-1 is running since \d+ s; DeleteMachine has to wait for it$/,
    )
    gate.open()
    await untilFree(() => driver.deleteMachine(request('Stubborn', { gate: gate.path })))
  })
})

async function untilFree(call: () => Promise<unknown>): Promise<void> {
  while (
    (await call().then(
      () => 'free',
      ({ code }) => code,
    )) === 'Aborted'
  );
}

describe('a plugin that answers garbage', () => {
  const wrong = (method: string, why: string) => ({
    code: 'Internal',
    source: 'plugin',
    retry: 'later',
    reason: 'PLUGIN_ANSWER_INVALID',
    message: `@mcm-fixture/garbage answered ${method} wrongly: ${why}`,
  })

  it.each([
    ['nothing', 'providerID is empty'],
    ['text', 'the answer is not an object'],
    ['number', 'the answer is not an object'],
    ['list', 'the answer is not an object'],
    ['empty', 'providerID is empty'],
    ['emptyProviderID', 'providerID is empty'],
    ['noNodeName', 'nodeName is empty'],
    ['unknownField', 'CreateMachineResponse has no field nodename'],
    ['wrongType', 'nodeName must be a text'],
    ['wrongAddresses', 'addresses[0].address must be a text'],
  ])('%s', async (answer, why) => {
    expect(await failureOf(create('Garbage', { answer }))).toEqual(wrong('CreateMachine', why))
  })

  it('functions', async () => {
    expect(await failureOf(create('Garbage', { answer: 'functions' }))).toEqual({
      code: 'Internal',
      source: 'plugin',
      retry: 'later',
      reason: 'PLUGIN_ANSWER_INVALID',
      message: 'the answer of createMachine cannot be sent: () => {} could not be cloned.',
    })
  })

  it('in other methods', async () => {
    const { machineClass, secret } = request('Garbage', { answer: '' })
    const listed = await failureOf(driver.listMachines({ machineClass, secret }))
    expect(listed).toEqual(wrong('ListMachines', 'machineList must be an object of texts'))
    const deleted = await failureOf(driver.deleteMachine(request('Garbage', { answer: '' })))
    expect(deleted).toEqual(wrong('DeleteMachine', 'DeleteMachineResponse has no field gone'))
    const volumes = await failureOf(driver.getVolumeIDs({ pvSpecs: [], provider: 'Garbage' }))
    expect(volumes).toEqual(wrong('GetVolumeIDs', 'volumeIDs must be a list of texts'))
  })

  it('more than a message may hold', async () => {
    expect(await failureOf(create('Huge'))).toEqual({
      code: 'Internal',
      source: 'plugin',
      retry: 'later',
      reason: 'PLUGIN_ANSWER_INVALID',
      message: 'the answer of createMachine has more than 16777216 bytes',
    })
  })
})

describe('a plugin that throws what nobody expects', () => {
  const bug = { code: 'Internal', source: 'plugin', retry: 'later' }

  it.each([
    ['text', { ...bug, message: 'just a text' }],
    ['nothing', { ...bug, message: 'undefined' }],
    ['object', { ...bug, message: "{ status: 503, reason: 'cloud is out' }" }],
    ['bare', { ...bug, message: '[Object: null prototype] {}' }],
    ['foreign', { code: 'NotFound', source: 'cloud', retry: 'later', message: 'from an old SDK' }],
    [
      'wrongCode',
      {
        ...bug,
        reason: 'PLUGIN_ANSWER_INVALID',
        message: '@mcm-fixture/throwing failed with the code "Broken", which is none: no such code',
      },
    ],
    ['wrongOptions', { ...bug, message: 'it threw something that cannot be told: () => {} could not be cloned.' }],
    [
      'noVm',
      {
        ...bug,
        reason: 'PLUGIN_ANSWER_INVALID',
        message:
          '@mcm-fixture/throwing answered CreateMachine with Uninitialized without providerID and nodeName: who am I?',
      },
    ],
    ['loneSurrogate', { code: 'NotFound', source: 'cloud', retry: 'later', message: 'no VM named \ufffd' }],
    [
      'resumable',
      {
        code: 'ResourceExhausted',
        source: 'cloud',
        retry: 'later',
        retryAfterMs: 1500,
        lastKnownState: 'disk-7',
        message: 'no capacity',
      },
    ],
  ])('%s', async (thing, failure) => {
    expect(await failureOf(create('Throwing', { thing }))).toEqual(failure)
  })

  it('a secret, in all parts of an error', async () => {
    expect(await failureOf(create('Throwing', { thing: 'token' }, { token }))).toEqual({
      code: 'Unauthenticated',
      source: 'cloud',
      retry: 'after-change',
      reason: 'denied:[redacted: token]',
      message: 'login with [redacted: token] failed',
      violations: [{ path: 'secret.data.token', message: '[redacted: token] is wrong' }],
    })
    expect(await failureOf(create('Throwing', { thing: 'tokenInBug' }, { token }))).toEqual({
      ...bug,
      message: 'cannot read [redacted: token]',
    })
  })
})

describe('a plugin that prints', () => {
  it('has its lines in the log, cut, without the secret', async () => {
    await create('Noisy', {}, { token })
    const noisy = ({ plugin }: LogEntry) => plugin === '@mcm-fixture/noisy'
    const printed = await host.log.first((entry) => noisy(entry) && String(entry.output).startsWith('printed [red'))
    expect(printed).toMatchObject({ msg: 'plugin printed', output: 'printed [redacted: token]' })
    await host.log.first((entry) => noisy(entry) && entry.output === 'printed as base64 [redacted: token]')
    expect(await host.log.first((entry) => noisy(entry) && entry.msg.startsWith('logged'))).toMatchObject({
      msg: 'logged [redacted: token]',
      method: 'CreateMachine',
      machine: 'default/m-1',
      fields: {
        count: '1n',
        symbol: 'Symbol(s)',
        nested: { token: '[redacted: token]' },
        '[redacted: token]': 'key',
      },
    })
    await host.log.first((entry) => noisy(entry) && entry.output === 'hello from the module')
  })

  it('never gets a secret into anything that the host has printed', () => {
    for (const form of [token, JSON.stringify(token).slice(1, -1), Buffer.from(token).toString('base64')]) {
      expect(host.stderr()).not.toContain(form)
      expect(host.stdout.all.join('\n')).not.toContain(form)
    }
  })
})
