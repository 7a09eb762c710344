import { describe, expect, it, vi } from 'vitest'
import { errorOf, memoryLog, packageOf } from '../testing/inline-host.ts'
import type { HostMessage } from './messages.ts'
import { PluginInstance } from './plugin-instance.ts'
import type { Runner, RunnerEvents } from './runner.ts'

const hello = {
  type: 'hello',
  hello: {
    contract: 1,
    provider: 'A',
    aliases: [],
    providerSpec: {},
    secret: { token: 'required' },
    capabilities: ['createMachine', 'fly'],
  },
}

/** A runner whose plugins do what the test says. */
class ScriptedRunner implements Runner {
  readonly started: { events: RunnerEvents; sent: HostMessage[]; stops: number[] }[] = []

  start(_: unknown, events: RunnerEvents) {
    const sent: HostMessage[] = []
    const stops: number[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    const running = {
      events: {
        ...events,
        ended: (reason: string) => {
          resolve()
          events.ended(reason)
        },
      },
      sent,
      stops,
    }
    this.started.push(running)
    return {
      pid: 1000 + this.started.length,
      send: (message: HostMessage) => void sent.push(message),
      stop: async (graceMs: number) => {
        stops.push(graceMs)
        if (graceMs === 0) setImmediate(() => running.events.ended('was ended by SIGKILL'))
        await promise
      },
    }
  }

  get last() {
    const last = this.started.at(-1)
    if (!last) throw new Error('nothing was started')
    return last
  }
}

function setUp() {
  const runner = new ScriptedRunner()
  const { log, lines } = memoryLog()
  const instance = new PluginInstance(packageOf('A'), runner, log)
  const states: string[] = []
  instance.onChange(({ kind }) => states.push(kind))
  const ready = async () => {
    const start = instance.start()
    runner.last.events.message(hello)
    await start
  }
  const call = (parts: Partial<Parameters<PluginInstance['call']>[0]> = {}) => {
    const onEnd = vi.fn()
    const answer = instance.call({
      method: 'createMachine',
      machine: 'ns/m',
      request: { secret: { token: Buffer.from('tok-secret') } },
      deadlineMs: Date.now() + 60_000,
      signal: new AbortController().signal,
      onEnd,
      ...parts,
    })
    return { answer, onEnd }
  }
  return { runner, instance, lines, states, ready, call }
}

describe('a start', () => {
  it('is shared by all who wait for it, and says what the plugin can do', async () => {
    const { runner, instance, states } = setUp()
    const starts = [instance.start(), instance.start(), instance.start()]
    runner.last.events.message(hello)
    const [first, ...others] = await Promise.all(starts)
    expect(first?.hello.capabilities).toEqual(['createMachine'])
    expect(others.every((other) => other.hello === first?.hello)).toBe(true)
    expect(runner.started).toHaveLength(1)
    expect({ states, pid: instance.pid, figures: instance.figures }).toEqual({
      states: ['starting', 'ready'],
      pid: 1001,
      figures: { calls: 0, errors: 0, restarts: 0 },
    })
  })

  it.each<[string, (runner: ScriptedRunner) => void, string]>([
    ['ends before it says hello', ({ last }) => last.events.ended('exited with code 1'), 'exited with code 1'],
    [
      'says why it refuses',
      ({ last }) => {
        last.events.message({ type: 'refused', reason: 'it is Monday' })
        last.events.ended('exited with code 0')
      },
      'it is Monday',
    ],
    [
      'speaks another contract',
      ({ last }) => last.events.message({ ...hello, hello: { ...hello.hello, contract: 2 } }),
      'it speaks contract 2, its package.json says 1',
    ],
    [
      'serves another provider',
      ({ last }) => last.events.message({ ...hello, hello: { ...hello.hello, aliases: ['B'] } }),
      'it serves A, B, its package.json says A',
    ],
    [
      'has a schema that is none',
      ({ last }) => last.events.message({ ...hello, hello: { ...hello.hello, providerSpec: { type: 7 } } }),
      'schema is invalid: data/type must be equal to one of the allowed values, data/type must be array, data/type must match a schema in anyOf',
    ],
  ])('fails when the plugin %s; the next call tries again', async (_, misbehave, reason) => {
    const { runner, instance, states, ready } = setUp()
    const failures = [errorOf(instance.start()), errorOf(instance.start())]
    misbehave(runner)
    for (const failure of failures) {
      expect(await failure).toMatchObject({
        code: 'Unavailable',
        source: 'plugin',
        reason: 'PLUGIN_UNUSABLE',
        message: `plugin plugin-A cannot be used: ${reason}`,
      })
    }
    expect(instance.state).toEqual({ kind: 'failed', reason })
    await ready()
    expect({ states, restarts: instance.figures.restarts }).toEqual({
      states: ['starting', 'failed', 'starting', 'ready'],
      restarts: 1,
    })
  })

  it('is given up when no hello comes', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { runner, instance } = setUp()
    const failure = errorOf(instance.start())
    await vi.advanceTimersByTimeAsync(20_000)
    vi.useRealTimers()
    expect((await failure).message).toBe('plugin plugin-A cannot be used: it said no hello within 20 s')
    expect(runner.last.stops).toEqual([0])
  })

  it.each([
    null,
    'text',
    7,
    [],
    {},
    { type: 'hello' },
    { type: 'hello', hello: {} },
    { type: 'answer' },
    { type: 'log', level: '__proto__' },
  ])('takes no notice of a message that is none: %j', async (garbage) => {
    const { runner, instance, lines } = setUp()
    const start = instance.start()
    runner.last.events.message(garbage)
    runner.last.events.message(hello)
    await start
    expect(lines.map(({ msg }) => msg)).toEqual(['plugin sent a message that is none', 'plugin ready'])
  })
})

describe('a call', () => {
  it('is sent, acknowledged and answered', async () => {
    const { runner, instance, ready, call } = setUp()
    await ready()
    const { answer, onEnd } = call()
    const [sent] = runner.last.sent
    expect(sent).toMatchObject({ type: 'call', id: 1, method: 'createMachine' })
    runner.last.events.message({ type: 'ack', id: 1 })
    expect(onEnd).not.toHaveBeenCalled()
    runner.last.events.message({ type: 'answer', id: 1, response: { providerID: 'x' } })
    // Before the caller knows, so that it may begin the next.
    expect(onEnd).toHaveBeenCalledTimes(1)
    expect(await answer).toEqual({ providerID: 'x' })
    // What comes late or twice changes nothing.
    runner.last.events.message({ type: 'answer', id: 1, response: {} })
    expect(onEnd).toHaveBeenCalledTimes(1)
    expect(instance.figures).toEqual({ calls: 1, errors: 0, restarts: 0 })
  })

  it('learns at once that the plugin has died, and the next call starts it again', async () => {
    const { runner, instance, ready, call } = setUp()
    await ready()
    const { answer, onEnd } = call()
    runner.last.events.ended('was ended by SIGKILL; its last lines:\n  tok-secret')
    expect(onEnd).toHaveBeenCalledTimes(1)
    expect(await errorOf(answer)).toMatchObject({
      code: 'Unavailable',
      source: 'plugin',
      reason: 'PLUGIN_ENDED',
      message: 'plugin plugin-A was ended by SIGKILL during CreateMachine; the call can be repeated safely',
    })
    expect(instance.state).toEqual({
      kind: 'stopped',
      reason: 'was ended by SIGKILL; its last lines:\n  [redacted: token]',
    })
    await ready()
    expect(instance.figures).toEqual({ calls: 1, errors: 1, restarts: 1 })
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
      const { runner, ready, call } = setUp()
      await ready()
      const { answer, onEnd } = call()
      const failure = errorOf(answer)
      if (isAcknowledged) runner.last.events.message({ type: 'ack', id: 1 })
      await vi.advanceTimersByTimeAsync(60_000)
      expect(await failure).toMatchObject({ code: 'DeadlineExceeded', reason: 'CALL_DEADLINE', source, message })
      expect(runner.last.sent.at(-1)).toEqual({ type: 'cancel', id: 1, reason: 'deadline' })
      expect(onEnd).not.toHaveBeenCalled()
      runner.last.events.message({
        type: 'error',
        id: 1,
        error: { code: 'Canceled', message: 'stopped', options: {}, trace: '' },
      })
      expect(onEnd).toHaveBeenCalledTimes(1)
      expect(vi.getTimerCount()).toBe(0)
      vi.useRealTimers()
    },
  )

  it('is not sent when the plugin does not run', async () => {
    const { call } = setUp()
    const { answer, onEnd } = call()
    expect(await errorOf(answer)).toMatchObject({ code: 'Unavailable', reason: 'PLUGIN_ENDED' })
    expect(onEnd).toHaveBeenCalledTimes(1)
  })
})

describe('what a plugin says', () => {
  it('has its secrets blacked out, also after the call', async () => {
    const { runner, lines, ready, call } = setUp()
    await ready()
    const { answer } = call()
    const { events } = runner.last
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
        options: { violations: [{ path: 'p', message: 'tok-secret' }] },
        trace: 'at tok-secret',
      },
    })
    expect(await errorOf(answer)).toMatchObject({
      message: 'failed [redacted: token]',
      violations: [{ path: 'p', message: '[redacted: token]' }],
    })
    events.output('late tok-secret')
    const about = { plugin: 'plugin-A', pluginVersion: '1.0.0' }
    const context = { method: 'CreateMachine', machine: 'ns/m' }
    expect(lines.slice(1)).toEqual([
      { level: 30, ...about, output: 'printed [redacted: token]', msg: 'plugin printed' },
      {
        level: 40,
        ...about,
        ...context,
        fields: { a: ['[redacted: token]', '1'], '[redacted: token]': true },
        msg: 'logged [redacted: token]',
      },
      { level: 50, ...about, ...context, trace: 'at [redacted: token]', msg: 'plugin failed' },
      { level: 30, ...about, output: 'late [redacted: token]', msg: 'plugin printed' },
    ])
  })

  it.each([
    ['a code that is none', { code: 'Broken' }, 'plugin-A failed with the code "Broken", which is none: x'],
    ['OK', { code: 'OK' }, 'plugin-A failed with the code "OK", which is none: x'],
    ['no code', {}, 'plugin-A failed with the code "", which is none: x'],
    [
      'Uninitialized without a VM',
      { code: 'Uninitialized', options: { providerID: 'x:///1' } },
      'plugin-A answered CreateMachine with Uninitialized without providerID and nodeName: x',
    ],
  ])('is refused when it is %s', async (_, error, message) => {
    const { runner, ready, call } = setUp()
    await ready()
    const { answer } = call()
    runner.last.events.message({ type: 'error', id: 1, error: { message: 'x', ...error } })
    expect(await errorOf(answer)).toMatchObject({
      code: 'Internal',
      source: 'plugin',
      reason: 'PLUGIN_ANSWER_INVALID',
      message,
    })
  })

  it('is handed on when InitializeMachine has to be tried again, which needs no VM', async () => {
    const { runner, ready, call } = setUp()
    await ready()
    const { answer } = call({ method: 'initializeMachine' })
    runner.last.events.message({ type: 'error', id: 1, error: { code: 'Uninitialized', message: 'still booting' } })
    expect(await errorOf(answer)).toMatchObject({ code: 'Uninitialized', message: 'still booting', retry: 'soon' })
  })
})

describe('closing', () => {
  it('stops the plugin for good, once, and fails what runs', async () => {
    const { runner, instance, states, ready, call } = setUp()
    await ready()
    const { answer } = call()
    const failure = errorOf(answer)
    let closed = 0
    const closing = [instance.close(5000), instance.close(5000)].map((done) => done.then(() => closed++))
    expect(runner.last.stops).toEqual([5000])
    await Promise.resolve()
    expect(closed).toBe(0)
    runner.last.events.ended('exited with code 0')
    await Promise.all(closing)
    expect(await failure).toMatchObject({ code: 'Unavailable', source: 'host', reason: 'HOST_STOPPING' })
    expect(await errorOf(instance.start())).toMatchObject({ code: 'Unavailable', reason: 'HOST_STOPPING' })
    expect(await errorOf(call().answer)).toMatchObject({ reason: 'HOST_STOPPING' })
    expect(states.at(-1)).toBe('closed')
  })

  it('while it starts fails who waits for the start', async () => {
    const { runner, instance } = setUp()
    const failure = errorOf(instance.start())
    const closed = instance.close(10)
    runner.last.events.message(hello)
    runner.last.events.ended('exited with code 0')
    await closed
    await failure.catch(() => {})
    expect(instance.state).toEqual({ kind: 'closed' })
    expect(runner.started).toHaveLength(1)
  })

  it('of one that never ran does nothing', async () => {
    const { runner, instance } = setUp()
    await instance.close(10)
    expect(runner.started).toHaveLength(0)
  })
})
