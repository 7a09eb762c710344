import { afterEach, describe, expect, it, vi } from 'vitest'
import { errorOf, limits, memoryLog, packageOf } from '../testing/inline-host.ts'
import { ScriptedRunner, scriptedHello } from '../testing/scripted-runner.ts'
import type { CloudRequest } from './messages.ts'
import { PluginInstance } from './plugin-instance.ts'

afterEach(() => {
  vi.useRealTimers()
})

function setUp() {
  const runner = new ScriptedRunner()
  const { log, lines } = memoryLog()
  const states: string[] = []
  const ignored = vi.fn()
  const cloudRequests: CloudRequest[] = []
  const instance = new PluginInstance(packageOf('A'), {
    runner,
    limits,
    isLinted: false,
    log,
    onChange: ({ state }) => states.push(state.kind),
    onSignalIgnored: ignored,
    onCloudRequest: (request) => cloudRequests.push(request),
  })
  const plugin = runner.last
  const call = (parts: Partial<Parameters<PluginInstance['call']>[0]> = {}) => {
    const onEnd = vi.fn()
    const answer = instance.call({
      method: 'createMachine',
      machine: 'ns/m',
      requestId: 'r-1',
      request: { secret: { token: Buffer.from('tok-secret') } },
      deadlineMs: Date.now() + 60_000,
      signal: new AbortController().signal,
      onEnd,
      ...parts,
    })
    return { answer, onEnd }
  }
  return { plugin, instance, lines, states, ignored, cloudRequests, call }
}

const messages = (lines: Record<string, unknown>[]) => lines.map(({ msg }) => msg)

describe('a start', () => {
  it('is over when the plugin has said hello and has answered a question', async () => {
    const { plugin, instance, states } = setUp()
    const start = {
      type: 'start',
      nonce: expect.any(String),
      entry: 'none',
      isLinted: false,
      maxAnswerBytes: 16_777_216,
    }
    expect(plugin.sent).toEqual([start])
    plugin.greet()
    await instance.ready
    expect(instance.hello.capabilities).toEqual(['createMachine'])
    const { pid, memoryBytes, figures } = instance
    expect({ states, pid, memoryBytes, figures }).toEqual({
      states: ['ready'],
      pid: 1001,
      memoryBytes: 1024 * 1001,
      figures: { calls: 0, errors: 0, running: 0 },
    })
  })

  it('is not over with the hello alone', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
    const { plugin, instance } = setUp()
    const [start] = plugin.sent
    plugin.events.message({ type: 'hello', nonce: start?.type === 'start' && start.nonce, hello: scriptedHello })
    expect({ sent: plugin.sent.at(-1), state: instance.state.kind }).toEqual({
      sent: { type: 'health', id: 0 },
      state: 'starting',
    })
    const failure = errorOf(instance.ready)
    await vi.advanceTimersByTimeAsync(20_000)
    vi.useRealTimers()
    expect((await failure).message).toBe('plugin plugin-A cannot be used: it said no hello within 20 s')
  })

  it.each<[string, (plugin: ScriptedRunner['last']) => void, string]>([
    ['ends before it says hello', (plugin) => plugin.end('exited with code 1'), 'exited with code 1'],
    [
      'says why it refuses',
      ({ events }) => events.message({ type: 'refused', reason: 'it is Monday' }),
      'it is Monday',
    ],
    [
      'speaks another contract',
      (plugin) => plugin.greet({ contract: 2 }),
      'it speaks contract 2, its package.json says 1',
    ],
    [
      'serves another provider',
      (plugin) => plugin.greet({ aliases: ['B'] }),
      'it serves A, B, its package.json says A',
    ],
    [
      'has a schema that is none',
      (plugin) => plugin.greet({ providerSpec: { type: 7 } }),
      'schema is invalid: data/type must be equal to one of the allowed values, data/type must be array, data/type must match a schema in anyOf',
    ],
  ])('fails when the plugin %s', async (_, misbehave, cause) => {
    const { plugin, instance, states } = setUp()
    const failure = errorOf(instance.ready)
    misbehave(plugin)
    expect(await failure).toMatchObject({
      code: 'Unavailable',
      source: 'plugin',
      reason: 'PLUGIN_UNUSABLE',
      message: `plugin plugin-A cannot be used: ${cause}`,
    })
    expect(await instance.ended).toMatchObject({ cause, isWanted: false })
    expect(states).toEqual(['ended'])
  })

  it('fails when no hello comes', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
    const { plugin, instance } = setUp()
    const failure = errorOf(instance.ready)
    await vi.advanceTimersByTimeAsync(20_000)
    vi.useRealTimers()
    expect((await failure).message).toBe('plugin plugin-A cannot be used: it said no hello within 20 s')
    expect(plugin.kills).toEqual(['it said no hello within 20 s'])
  })

  it.each([
    null,
    'text',
    7,
    [],
    {},
    { type: 'hello' },
    { type: 'hello', hello: {} },
    { type: 'hello', nonce: 'guessed', hello: scriptedHello },
    { type: 'answer' },
    { type: 'answer', id: 7 },
    { type: 'ack', id: 7 },
    { type: 'health', id: 7 },
    { type: 'cloud-request', ms: 1 },
    { type: 'cloud-request', service: {}, ms: 1 },
    { type: 'cloud-request', service: 'vm.get', ms: '1' },
    { type: 'cloud-request', service: 'vm.get', ms: -1 },
    { type: 'cloud-request', service: 'vm.get', ms: Number.NaN },
    { type: 'cloud-request', service: 'vm.get', ms: Number.POSITIVE_INFINITY },
    { type: 'log', level: '__proto__' },
  ])('takes no notice of a message that makes no sense: %j', async (garbage) => {
    const { plugin, instance, lines } = setUp()
    plugin.events.message(garbage)
    plugin.greet()
    await instance.ready
    expect(messages(lines)).toEqual(['plugin sent a message that makes no sense', 'plugin ready'])
  })

  it.each([
    ['vm.get', 'vm.get'],
    ['', 'other'],
    ['line\nbreak', 'other'],
    ['x'.repeat(101), 'other'],
  ])('hears of requests to the cloud, whose service it names %j or better', (service, name) => {
    const { plugin, cloudRequests } = setUp()
    plugin.greet()
    plugin.events.message({ type: 'cloud-request', service, ms: 1.5, isFailure: true })
    plugin.events.message({ type: 'cloud-request', service, ms: 1.5, isFailure: 'yes', more: true })
    expect(cloudRequests).toEqual(
      [true, false].map((isFailure) => ({ type: 'cloud-request', service: name, ms: 1.5, isFailure })),
    )
  })
})

describe('a call', () => {
  it('is sent, acknowledged and answered', async () => {
    const { plugin, instance, lines, call } = setUp()
    plugin.greet()
    const { answer, onEnd } = call()
    expect(plugin.sent.at(-1)).toMatchObject({ type: 'call', id: 1, method: 'createMachine' })
    plugin.events.message({ type: 'ack', id: 1 })
    expect(onEnd).not.toHaveBeenCalled()
    expect(instance.figures).toEqual({ calls: 1, errors: 0, running: 1 })
    plugin.events.message({ type: 'answer', id: 1, response: { providerID: 'x' } })
    // Before the caller knows, so that it may begin the next.
    expect(onEnd).toHaveBeenCalledTimes(1)
    expect(await answer).toEqual({ providerID: 'x' })
    // What comes twice changes nothing.
    plugin.events.message({ type: 'answer', id: 1, response: {} })
    expect(onEnd).toHaveBeenCalledTimes(1)
    expect(instance.figures).toEqual({ calls: 1, errors: 0, running: 0 })
    expect(lines.at(-1)).toMatchObject({ what: 'an answer to no running call' })
  })

  it('learns at once that the plugin has died', async () => {
    const { plugin, instance, lines, call } = setUp()
    plugin.greet()
    const { answer, onEnd } = call()
    plugin.end('was ended by SIGKILL', ['tok-secret'])
    expect(onEnd).toHaveBeenCalledTimes(1)
    expect(await errorOf(answer)).toMatchObject({
      code: 'Unavailable',
      source: 'plugin',
      reason: 'PLUGIN_ENDED',
      message: 'plugin plugin-A was ended by SIGKILL during CreateMachine; the call can be repeated safely',
    })
    const end = { cause: 'was ended by SIGKILL', lastLines: ['[redacted: token]'], isWanted: false }
    expect(instance.state).toEqual({ kind: 'ended', ...end, atMs: expect.any(Number) })
    expect(lines.at(-1)).toMatchObject({ cause: end.cause, output: end.lastLines, msg: 'plugin ended by itself' })
    // Who holds it may still try.
    const late = call()
    expect(await errorOf(late.answer)).toMatchObject({ code: 'Unavailable', reason: 'PLUGIN_ENDED' })
    expect(late.onEnd).toHaveBeenCalledTimes(1)
  })

  it.each([
    [
      false,
      'plugin',
      'CreateMachine by plugin-A took longer than its deadline; the plugin did not even take it, so its event loop is stuck',
    ],
    [true, 'host', 'CreateMachine by plugin-A took longer than its deadline'],
  ])(
    'whose deadline passes tells a slow plugin from a stuck one (acknowledged: %s)',
    async (isAcknowledged, source, message) => {
      vi.useFakeTimers()
      const { plugin, call } = setUp()
      plugin.greet()
      const { answer, onEnd } = call({ deadlineMs: Date.now() + 1000 })
      const failure = errorOf(answer)
      if (isAcknowledged) plugin.events.message({ type: 'ack', id: 1 })
      await vi.advanceTimersByTimeAsync(1000)
      expect(await failure).toMatchObject({ code: 'DeadlineExceeded', reason: 'CALL_DEADLINE', source, message })
      expect(plugin.sent.at(-1)).toEqual({ type: 'cancel', id: 1, reason: 'deadline' })
      expect(onEnd).not.toHaveBeenCalled()
      const error = { code: 'Canceled', message: 'stopped', options: {}, trace: '' }
      plugin.events.message({ type: 'error', id: 1, error })
      expect(onEnd).toHaveBeenCalledTimes(1)
      // That of the signs of life.
      expect(vi.getTimerCount()).toBe(1)
    },
  )
})

it('a caller that goes in the turn of the answer leaves nothing behind', async () => {
  vi.useFakeTimers()
  const { plugin, instance, call } = setUp()
  plugin.greet()
  const controller = new AbortController()
  const { answer } = call({ signal: controller.signal })
  plugin.answer('just in time')
  controller.abort()
  expect(await answer).toBe('just in time')
  expect(instance.figures).toEqual({ calls: 1, errors: 0, running: 0 })
  expect(plugin.sent.map(({ type }) => type)).not.toContain('cancel')
  // That of the signs of life.
  expect(vi.getTimerCount()).toBe(1)
})

describe('a plugin that gives no sign of life', () => {
  const advance = async (ms: number) => {
    await vi.advanceTimersByTimeAsync(ms)
    // What it may have sent is read first.
    for (let turn = 0; turn < 4; turn++) await new Promise(setImmediate)
  }
  const fakeTimers = () =>
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] })

  it('is ended when it does not take a call within three seconds, and the caller learns why', async () => {
    fakeTimers()
    const { plugin, instance, call } = setUp()
    plugin.greet()
    const { answer } = call({ deadlineMs: Date.now() + 3_600_000 })
    const failure = errorOf(answer)
    await advance(2900)
    expect(plugin.kills).toEqual([])
    await advance(700)
    const cause = 'was stuck: its event loop gave no sign of life for 3 s'
    expect(plugin.kills).toEqual([cause])
    expect(await failure).toMatchObject({
      code: 'Unavailable',
      source: 'plugin',
      reason: 'PLUGIN_ENDED',
      message: `plugin plugin-A ${cause} during CreateMachine; the call can be repeated safely`,
    })
    expect(await instance.ended).toMatchObject({ cause, isWanted: false })
  })

  it('is ended about as soon when it has taken the call before', async () => {
    fakeTimers()
    const { plugin, call } = setUp()
    plugin.greet()
    const failure = errorOf(call({ deadlineMs: Date.now() + 3_600_000 }).answer)
    plugin.events.message({ type: 'ack', id: 1 })
    await advance(3400)
    expect(plugin.kills).toEqual([])
    await advance(700)
    expect(plugin.kills).toEqual(['was stuck: its event loop gave no sign of life for 3 s'])
    expect(await failure).toMatchObject({ reason: 'PLUGIN_ENDED' })
  })

  it('is left to the deadline of its calls when it takes them: clouds are slow', async () => {
    fakeTimers()
    const { plugin, call } = setUp()
    plugin.greet()
    const { answer } = call({ deadlineMs: Date.now() + 3_600_000 })
    plugin.events.message({ type: 'ack', id: 1 })
    for (let second = 1; second <= 20; second++) {
      await advance(1000)
      const asked = plugin.sent.at(-1)
      if (asked?.type === 'health') plugin.events.message({ type: 'health', id: asked.id })
    }
    expect(plugin.kills).toEqual([])
    plugin.answer('late')
    expect(await answer).toBe('late')
  })

  it('is asked for one when it has nothing to do', async () => {
    fakeTimers()
    const { plugin } = setUp()
    plugin.greet()
    await advance(5600)
    expect(plugin.sent.at(-1)).toEqual({ type: 'health', id: -1 })
    plugin.events.message({ type: 'health', id: -1 })
    await advance(5600)
    expect(plugin.sent.at(-1)).toEqual({ type: 'health', id: -2 })
    expect(plugin.kills).toEqual([])
    await advance(4000)
    expect(plugin.kills).toEqual(['was stuck: its event loop gave no sign of life for 3 s'])
  })
})

describe('a plugin that talks garbage', () => {
  it('is cut off', async () => {
    const { plugin, instance, lines } = setUp()
    plugin.greet()
    for (let i = 0; i < 100; i++) plugin.events.message({ type: 'pm2:ready' })
    const { cause } = await instance.ended
    expect(cause).toBe('talked garbage: 100 messages that make no sense, the last a message that is none')
    expect(messages(lines)).toEqual([
      'plugin ready',
      'plugin sent a message that makes no sense',
      'plugin ended by itself',
    ])
  })
})

describe('draining', () => {
  it('ends it when its calls have been answered and nobody holds it', async () => {
    const { plugin, instance, states, call } = setUp()
    plugin.greet()
    const release = instance.hold()
    const first = call()
    instance.drain('replaced by 2.0.0')
    plugin.answer('first')
    expect(await first.answer).toBe('first')
    // Who was given it before it drained makes a call only now.
    const second = call()
    release()
    release()
    expect(plugin.stops).toEqual([])
    plugin.answer('second')
    expect(await second.answer).toBe('second')
    expect(plugin.stops).toEqual([5000])
    expect(await instance.ended).toMatchObject({ isWanted: true, cause: 'exited with code 0' })
    expect(states).toEqual(['ready', 'draining', 'ended'])
  })

  it('does not wait for a call that ignores its signal', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    const { plugin, instance, lines, ignored, call } = setUp()
    plugin.greet()
    const stubborn = call({ deadlineMs: Date.now() + 1000 })
    plugin.events.message({ type: 'ack', id: 1 })
    const failure = errorOf(stubborn.answer)
    await vi.advanceTimersByTimeAsync(1000)
    expect((await failure).code).toBe('DeadlineExceeded')
    instance.drain('replaced by 2.0.0')
    await vi.advanceTimersByTimeAsync(9999)
    expect({ stops: plugin.stops, ignored: ignored.mock.calls.length }).toEqual({ stops: [], ignored: 0 })
    await vi.advanceTimersByTimeAsync(1)
    expect({ stops: plugin.stops, ignored: ignored.mock.calls.length }).toEqual({ stops: [0], ignored: 1 })
    vi.useRealTimers()
    await instance.ended
    expect(stubborn.onEnd).toHaveBeenCalledTimes(1)
    expect(messages(lines)).toContain('plugin ignores the signal of a call')
  })
})

describe('stopping', () => {
  it('fails what runs, and takes nothing new', async () => {
    const { plugin, instance, call } = setUp()
    plugin.greet()
    const running = errorOf(call().answer)
    await Promise.all([instance.stop(5000), instance.stop(5000)])
    expect(plugin.stops).toEqual([5000, 5000])
    expect(await running).toMatchObject({ code: 'Unavailable', source: 'host', reason: 'HOST_STOPPING' })
    expect(await errorOf(call().answer)).toMatchObject({ reason: 'HOST_STOPPING' })
    expect(await instance.ended).toMatchObject({ isWanted: true })
  })

  it('while it starts fails who waits for the start', async () => {
    const { plugin, instance } = setUp()
    const failure = errorOf(instance.ready)
    const stopped = instance.stop(10)
    plugin.greet()
    await stopped
    expect(await failure).toMatchObject({ code: 'Unavailable', reason: 'HOST_STOPPING' })
    expect(instance.state.kind).toBe('ended')
  })
})

describe('what a plugin says', () => {
  it('has its secrets blacked out, also after the call', async () => {
    const { plugin, instance, lines, call } = setUp()
    plugin.greet()
    const { answer } = call()
    const { events } = plugin
    events.output('printed tok-secret')
    events.message({
      type: 'log',
      id: 1,
      level: 'warn',
      message: 'logged tok-secret',
      fields: { a: ['tok-secret', 1n], 'tok-secret': true },
    })
    events.message({
      type: 'error',
      id: 1,
      error: {
        code: 'Internal',
        message: 'failed tok-secret',
        options: {
          retry: 'later',
          reason: 'r tok-secret',
          lastKnownState: 's tok-secret',
          providerID: 'x:///tok-secret',
          nodeName: 'n tok-secret',
          addresses: [{ type: 'Hostname', address: 'a tok-secret' }],
          violations: [{ path: 'p tok-secret', message: 'tok-secret' }],
        },
        trace: 'at tok-secret',
      },
    })
    expect(await errorOf(answer)).toMatchObject({
      message: 'failed [redacted: token]',
      retry: 'later',
      reason: 'r [redacted: token]',
      lastKnownState: 's tok-secret',
      providerID: 'x:///tok-secret',
      nodeName: 'n tok-secret',
      addresses: [{ type: 'Hostname', address: 'a tok-secret' }],
      violations: [{ path: 'p [redacted: token]', message: '[redacted: token]' }],
    })
    events.output('late tok-secret')
    events.message({ type: 'log', id: 1, level: 'warn', message: 'late tok-secret', fields: { a: 'tok-secret' } })
    const about = { plugin: 'plugin-A', pluginVersion: '1.0.0', instance: instance.id }
    const context = { requestId: 'r-1', method: 'CreateMachine', machine: 'ns/m' }
    expect(lines.slice(1)).toEqual([
      { level: 30, ...about, output: 'printed [redacted: token]', msg: 'plugin printed' },
      {
        level: 40,
        ...about,
        ...context,
        fields: { a: ['[redacted: token]', '1n'], '[redacted: token]': true },
        msg: 'logged [redacted: token]',
      },
      { level: 50, ...about, ...context, trace: 'at [redacted: token]', msg: 'plugin failed' },
      { level: 30, ...about, output: 'late [redacted: token]', msg: 'plugin printed' },
      { level: 40, ...about, fields: { a: '[redacted: token]' }, msg: 'late [redacted: token]' },
    ])
  })

  it.each([
    ['a code that is none', { code: 'Broken' }, 'plugin-A failed with the code "Broken", which is none: x'],
    [
      'a code with a secret',
      { code: 'tok-secret' },
      'plugin-A failed with the code "[redacted: token]", which is none: x',
    ],
    ['OK', { code: 'OK' }, 'plugin-A failed with the code "OK", which is none: x'],
    ['no code', {}, 'plugin-A failed with the code "", which is none: x'],
    [
      'Uninitialized without a VM',
      { code: 'Uninitialized', options: { providerID: 'x:///1' } },
      'plugin-A answered CreateMachine with Uninitialized without providerID and nodeName: x',
    ],
  ])('is refused when it is %s', async (_, error, message) => {
    const { plugin, call } = setUp()
    plugin.greet()
    const { answer } = call()
    plugin.events.message({ type: 'error', id: 1, error: { message: 'x', ...error } })
    expect(await errorOf(answer)).toMatchObject({
      code: 'Internal',
      source: 'plugin',
      reason: 'PLUGIN_ANSWER_INVALID',
      message,
    })
  })

  it('is handed on when InitializeMachine has to be tried again, which needs no VM', async () => {
    const { plugin, call } = setUp()
    plugin.greet()
    const { answer } = call({ method: 'initializeMachine' })
    plugin.events.message({ type: 'error', id: 1, error: { code: 'Uninitialized', message: 'still booting' } })
    expect(await errorOf(answer)).toMatchObject({ code: 'Uninitialized', message: 'still booting', retry: 'soon' })
  })
})
