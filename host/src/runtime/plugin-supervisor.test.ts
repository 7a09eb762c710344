import { MachineError } from '@mcm/sdk'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { errorOf, limits, memoryLog, packageOf } from '../testing/inline-host.ts'
import { ScriptedRunner } from '../testing/scripted-runner.ts'
import type { PluginInstance } from './plugin-instance.ts'
import { PluginSupervisor } from './plugin-supervisor.ts'

afterEach(() => {
  vi.useRealTimers()
})

const version = (text: string) => ({ ...packageOf('A'), version: text, folder: `/nowhere/${text}` })

function setUp() {
  const runner = new ScriptedRunner()
  const { log, lines } = memoryLog()
  const supervisor = new PluginSupervisor(version('1.0.0'), { runner, limits, log })
  const states: string[] = []
  supervisor.onChange(() => {
    if (states.at(-1) !== supervisor.state.kind) states.push(supervisor.state.kind)
  })
  const start = async () => {
    const started = supervisor.start()
    await turn()
    runner.last.greet()
    return await started
  }
  const use = <T>(work: (instance: PluginInstance) => Promise<T>, deadlineMs = Date.now() + 3_600_000) => {
    const patience = { signal: new AbortController().signal, deadlineMs }
    return supervisor.use('createMachine', patience, work)
  }
  /** Upgrades, with a new version that says hello. */
  const upgrade = async (to: string, canaryShare?: number) => {
    const outcome = supervisor.upgrade(version(to), canaryShare)
    await turn()
    runner.last.greet()
    return await outcome
  }
  return { runner, supervisor, lines, states, start, use, upgrade }
}

/** Lets everything happen that waits for nothing. */
const turn = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)))
const versionOf = async ({ plugin }: PluginInstance) => plugin.version
const logged = (lines: Record<string, unknown>[], msg: string) => lines.filter((line) => line.msg === msg)

describe('a start', () => {
  it('is shared by all who wait for it', async () => {
    const { runner, supervisor, states } = setUp()
    const uses = [supervisor.start(), supervisor.start(), supervisor.start()]
    await turn()
    runner.last.greet()
    const [first, ...others] = await Promise.all(uses)
    expect(others.every((other) => other === first)).toBe(true)
    expect(runner.started).toHaveLength(1)
    expect(supervisor.hello?.capabilities).toEqual(['createMachine'])
    expect({ states, figures: supervisor.figures }).toEqual({
      states: ['starting', 'ready'],
      figures: { calls: 0, errors: 0, restarts: 0, running: 0, memoryBytes: 1024 * 1001 },
    })
  })

  it('that fails is told to all who wait, and the next call tries again', async () => {
    const { runner, supervisor, states, start } = setUp()
    const failures = [errorOf(supervisor.start()), errorOf(supervisor.start())]
    await turn()
    runner.last.end('exited with code 1', ['no such module'])
    for (const failure of failures) {
      expect(await failure).toMatchObject({
        reason: 'PLUGIN_UNUSABLE',
        message: 'plugin plugin-A cannot be used: exited with code 1; its last lines:\n  no such module',
      })
    }
    const reason = 'exited with code 1; its last lines:\n  no such module'
    expect(supervisor.state).toEqual({ kind: 'failed', reason })
    expect(supervisor.lastFailure).toMatchObject({ cause: 'exited with code 1', lastLines: ['no such module'] })
    await start()
    expect({ states, restarts: supervisor.figures.restarts }).toEqual({
      states: ['starting', 'failed', 'starting', 'ready'],
      restarts: 1,
    })
  })

  it('is not waited for longer than the caller waits', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    const { use } = setUp()
    const failure = errorOf(use(versionOf, Date.now() + 1000))
    await vi.advanceTimersByTimeAsync(1000)
    expect(await failure).toMatchObject({
      reason: 'CALL_DEADLINE',
      message: 'the deadline of CreateMachine passed while plugin-A was starting',
    })
  })
})

describe('a plugin that crashes', () => {
  it('is started again by the next call, later after the second time, and left alone after the third', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: Date.UTC(2026, 0, 1, 14, 2, 11) })
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const { runner, supervisor, lines, start, use } = setUp()
    await start()
    runner.last.end('was ended by SIGSEGV')
    expect(supervisor.state).toEqual({ kind: 'stopped', reason: 'was ended by SIGSEGV' })
    await start()
    runner.last.end('was ended by SIGSEGV')
    const third = supervisor.start()
    await turn()
    // It waits a moment first.
    expect({ started: runner.started.length, state: supervisor.state.kind }).toEqual({ started: 2, state: 'starting' })
    await vi.advanceTimersByTimeAsync(1000)
    runner.last.greet()
    await third
    runner.last.end('ran out of memory: it held 600 MiB of 512 MiB allowed')
    const reason =
      'left alone until 14:12:12 UTC, or until "mcm plugin reload": it ended by itself 3 times in 5 min, last at 14:02:12: ran out of memory: it held 600 MiB of 512 MiB allowed'
    expect(supervisor.state).toEqual({ kind: 'quarantined', reason, untilMs: Date.now() + 600_000 })
    expect(logged(lines, 'plugin quarantined')).toMatchObject([{ plugin: 'plugin-A', reason }])
    expect(await errorOf(use(versionOf))).toMatchObject({
      code: 'Unavailable',
      source: 'plugin',
      reason: 'PLUGIN_QUARANTINED',
      message: `plugin plugin-A is ${reason}`,
      retryAfterMs: 600_000,
    })
    expect(runner.started).toHaveLength(3)
    // Then one start is tried.
    await vi.advanceTimersByTimeAsync(600_000)
    await start()
    expect(supervisor.state.kind).toBe('ready')
    vi.restoreAllMocks()
  })

  it('has failed the calls that it ended, once', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    const { runner, supervisor, start, use } = setUp()
    await start()
    const call = (deadlineMs: number) => {
      const rest = { machine: 'm', requestId: 'r', request: {}, signal: new AbortController().signal, onEnd: vi.fn() }
      return errorOf(use((instance) => instance.call({ method: 'createMachine', deadlineMs, ...rest })))
    }
    const failures = [call(Date.now() + 1000), call(Date.now() + 3_600_000)]
    await turn()
    await vi.advanceTimersByTimeAsync(1000)
    runner.last.end('exited with code 1')
    expect((await Promise.all(failures)).map(({ code }) => code)).toEqual(['DeadlineExceeded', 'Unavailable'])
    expect(supervisor.figures).toMatchObject({ calls: 2, errors: 2 })
  })

  it('comes out of its quarantine when somebody asks for it', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    const { runner, supervisor, use, upgrade } = setUp()
    for (let crash = 1; crash <= 3; crash++) {
      const failure = errorOf(supervisor.start())
      await vi.advanceTimersByTimeAsync(2000)
      runner.last.end('exited with code 1')
      await failure
    }
    expect(supervisor.state.kind).toBe('quarantined')
    expect(await upgrade('1.0.0')).toEqual({ kind: 'upgraded' })
    expect(await use(versionOf)).toBe('1.0.0')
  })
})

describe('an upgrade', () => {
  it('moves new calls when the new version has shown that it works, and lets the old one finish', async () => {
    const { runner, supervisor, lines, start, use, upgrade } = setUp()
    const old = await start()
    const [oldPlugin] = runner.started
    const held = Promise.withResolvers<string>()
    const running = use(async () => await held.promise)
    const outcome = supervisor.upgrade(version('2.0.0'))
    await turn()
    // Until it is ready nothing changes.
    expect(await use(versionOf)).toBe('1.0.0')
    runner.last.greet()
    expect(await outcome).toEqual({ kind: 'upgraded' })
    expect(await use(versionOf)).toBe('2.0.0')
    expect(old.state).toEqual({ kind: 'draining', why: 'replaced by 2.0.0' })
    expect(supervisor.instances.map(({ plugin, state }) => `${plugin.version} ${state.kind}`)).toEqual([
      '2.0.0 ready',
      '1.0.0 draining',
    ])
    expect(oldPlugin?.stops).toEqual([])
    held.resolve('answered by the old one')
    expect(await running).toBe('answered by the old one')
    await old.ended
    expect(oldPlugin?.stops).toEqual([5000])
    expect(supervisor.plugin.version).toBe('2.0.0')
    expect(supervisor.figures.restarts).toBe(0)
    expect(logged(lines, 'plugin upgraded')).toMatchObject([{ from: '1.0.0', version: '2.0.0' }])
    expect(await upgrade('3.0.0')).toEqual({ kind: 'upgraded' })
  })

  it('leaves all as it is when the new version does not start', async () => {
    const { runner, supervisor, start, use } = setUp()
    await start()
    const outcome = supervisor.upgrade(version('2.0.0'))
    await turn()
    runner.last.end('exited with code 1')
    const reason = '2.0.0 could not take over: plugin plugin-A cannot be used: exited with code 1'
    expect(await outcome).toEqual({ kind: 'failed', reason })
    expect({ notice: supervisor.notice, version: supervisor.plugin.version }).toEqual({
      notice: reason,
      version: '1.0.0',
    })
    expect(await use(versionOf)).toBe('1.0.0')
  })

  it('of a plugin that has failed is what the next call starts', async () => {
    const { runner, supervisor, use } = setUp()
    const first = errorOf(supervisor.start())
    await turn()
    runner.last.end('exited with code 1')
    await first
    const outcome = supervisor.upgrade(version('2.0.0'))
    await turn()
    runner.last.end('exited with code 1')
    expect(await outcome).toMatchObject({ kind: 'failed' })
    const used = use(versionOf)
    await turn()
    runner.last.greet()
    expect(await used).toBe('2.0.0')
  })

  it('of a plugin that is stopped leaves all as it is when the new version does not start', async () => {
    const { runner, supervisor, start, use } = setUp()
    await start()
    runner.last.end('was ended by SIGKILL')
    const outcome = supervisor.upgrade(version('2.0.0'))
    await turn()
    runner.last.end('exited with code 1')
    expect(await outcome).toMatchObject({ kind: 'failed' })
    const used = use(versionOf)
    await turn()
    runner.last.greet()
    expect(await used).toBe('1.0.0')
  })

  it('waits for the one before', async () => {
    const { runner, supervisor, start, use } = setUp()
    await start()
    const outcomes = [supervisor.upgrade(version('2.0.0')), supervisor.upgrade(version('3.0.0'))]
    await turn()
    expect(runner.started).toHaveLength(2)
    runner.last.greet()
    await outcomes[0]
    await turn()
    runner.last.greet()
    await outcomes[1]
    expect(await use(versionOf)).toBe('3.0.0')
    expect(runner.started).toHaveLength(3)
  })

  it('goes through when the old version dies meanwhile, and calls wait for what comes first', async () => {
    const { runner, supervisor, start, use } = setUp()
    await start()
    const outcome = supervisor.upgrade(version('2.0.0'))
    await turn()
    const next = runner.last
    runner.started[0]?.end('was ended by SIGKILL')
    const used = use(versionOf)
    await turn()
    // The call has started the old version again; the new one is faster.
    expect(runner.started.map(({ plugin }) => plugin.version)).toEqual(['1.0.0', '2.0.0', '1.0.0'])
    next.greet()
    expect(await outcome).toEqual({ kind: 'upgraded' })
    runner.last.greet()
    expect(await used).toBe('2.0.0')
    await turn()
    expect(supervisor.instances.map(({ plugin }) => plugin.version)).toEqual(['2.0.0'])
  })
})

describe('a plugin that cannot be used', () => {
  it('is started again without a call, since none may come', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    const { runner, supervisor } = setUp()
    const failure = errorOf(supervisor.start())
    await turn()
    runner.last.end('exited with code 1')
    await failure
    await vi.advanceTimersByTimeAsync(30_000)
    runner.last.end('exited with code 1')
    await turn()
    await vi.advanceTimersByTimeAsync(30_000)
    runner.last.end('exited with code 1')
    await turn()
    expect({ state: supervisor.state.kind, started: runner.started.length }).toEqual({
      state: 'quarantined',
      started: 3,
    })
    await vi.advanceTimersByTimeAsync(600_000)
    runner.last.greet()
    await turn()
    expect(supervisor.state.kind).toBe('ready')
    await supervisor.close(0)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a canary', () => {
  const fails = async (): Promise<string> => {
    throw new MachineError('Internal', 'a bug')
  }

  it('gets its share, and all when it has proven itself', async () => {
    const { supervisor, start, use, upgrade } = setUp()
    await start()
    expect(await upgrade('2.0.0', 0.25)).toEqual({ kind: 'canary' })
    const first = await Promise.all(Array.from({ length: 100 }, () => use(versionOf)))
    expect(first.filter((text) => text === '2.0.0')).toHaveLength(25)
    expect(supervisor.canary).toMatchObject({ share: 0.25 })
    await Promise.all(Array.from({ length: 300 }, () => use(versionOf)))
    expect(supervisor.canary).toBeUndefined()
    expect(supervisor.plugin.version).toBe('2.0.0')
    expect(await use(versionOf)).toBe('2.0.0')
    await turn()
    expect(supervisor.instances).toHaveLength(1)
  })

  it('is withdrawn when more of its calls fail, with an event that says why', async () => {
    const { supervisor, lines, start, use, upgrade } = setUp()
    await start()
    await upgrade('2.0.0', 0.5)
    let calls = 0
    while (supervisor.canary && calls++ < 100) {
      await use(async (instance) => {
        return instance.plugin.version === '2.0.0' ? await fails() : 'fine'
      }).catch(() => {})
    }
    const notice = '2.0.0 was withdrawn: 5 of 5 calls (100 %) failed, of 1.0.0 0 of 5 calls (0 %)'
    expect(supervisor.notice).toBe(notice)
    expect(logged(lines, 'plugin canary withdrawn')).toMatchObject([
      { version: '2.0.0', why: '5 of 5 calls (100 %) failed, of 1.0.0 0 of 5 calls (0 %)' },
    ])
    const after = await Promise.all(Array.from({ length: 20 }, () => use(versionOf)))
    expect(new Set(after)).toEqual(new Set(['1.0.0']))
    expect(supervisor.tried?.version).toBe('2.0.0')
    await turn()
    expect(supervisor.instances).toHaveLength(1)
    await upgrade('2.0.1')
    expect(supervisor.tried).toBeUndefined()
  })

  it('is not withdrawn for what a caller takes for an answer, nor for callers who go', async () => {
    const { supervisor, start, use, upgrade } = setUp()
    await start()
    await upgrade('2.0.0', 0.5)
    for (let i = 0; i < 40; i++) {
      await use(async ({ plugin }) => {
        if (plugin.version === '2.0.0') throw new MachineError('Canceled', 'gone')
        return 'fine'
      }).catch(() => {})
    }
    expect(supervisor.canary).toBeDefined()
  })

  it('gets no more than its share when the old version is stopped, which is started for it', async () => {
    const { runner, supervisor, start } = setUp()
    await start()
    runner.last.end('was ended by SIGKILL')
    const outcome = supervisor.upgrade(version('2.0.0'), 0.1)
    await turn()
    runner.last.greet()
    await turn()
    runner.last.greet()
    expect(await outcome).toEqual({ kind: 'canary' })
    expect(supervisor.instances.map(({ plugin }) => plugin.version)).toEqual(['1.0.0', '2.0.0'])
  })

  it('that dies while the old version is started for it takes nothing over', async () => {
    const { runner, supervisor, start, use } = setUp()
    await start()
    runner.last.end('was ended by SIGKILL')
    const outcome = supervisor.upgrade(version('2.0.0'), 0.1)
    await turn()
    const fresh = runner.last
    fresh.greet()
    await turn()
    fresh.end('exited with code 1')
    runner.last.greet()
    expect(await outcome).toMatchObject({ kind: 'failed' })
    expect(await use(versionOf)).toBe('1.0.0')
    expect(supervisor.notice).toBe('2.0.0 could not take over: it exited with code 1 as soon as it was ready')
  })

  it('is withdrawn when it dies', async () => {
    const { runner, supervisor, start, use, upgrade } = setUp()
    await start()
    await upgrade('2.0.0', 0.5)
    runner.last.end('exited with code 7')
    expect(supervisor.canary).toBeUndefined()
    expect(supervisor.notice).toBe('2.0.0 was withdrawn: it exited with code 7')
    expect(await use(versionOf)).toBe('1.0.0')
    expect(supervisor.state.kind).toBe('ready')
  })
})

describe('an instance with a call that ignores its signal', () => {
  const set = () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    const parts = setUp()
    const onEnd = vi.fn()
    const call = (deadlineMs: number) => {
      return parts.use((instance) =>
        instance.call({
          method: 'createMachine',
          machine: 'm',
          requestId: 'r-1',
          request: {},
          signal: new AbortController().signal,
          deadlineMs,
          onEnd,
        }),
      )
    }
    /** A call that has just become one that ignores its signal. */
    const ignore = async () => {
      const failure = errorOf(call(Date.now() + 1000))
      await turn()
      await vi.advanceTimersByTimeAsync(11_000)
      expect((await failure).code).toBe('DeadlineExceeded')
      await turn()
    }
    return { ...parts, onEnd, call, ignore, patient: () => call(Date.now() + 3_600_000) }
  }

  it('is replaced by a fresh one, and ends when its other calls have', async () => {
    const { runner, supervisor, start, patient, onEnd, call } = set()
    const stuck = await start()
    const stubborn = errorOf(call(Date.now() + 1000))
    await turn()
    const [old] = runner.started
    await vi.advanceTimersByTimeAsync(1000)
    expect((await stubborn).code).toBe('DeadlineExceeded')
    const other = patient()
    await vi.advanceTimersByTimeAsync(10_000)
    await turn()
    expect(runner.started).toHaveLength(2)
    expect(stuck.state.kind).toBe('ready')
    runner.last.greet()
    await turn()
    expect(stuck.state).toEqual({ kind: 'draining', why: 'a call ignores its signal' })
    expect(supervisor.state.kind === 'ready' && supervisor.state.instance).not.toBe(stuck)
    // The other call is answered by who has it.
    old?.answer('patience')
    expect(await other).toBe('patience')
    expect(old?.stops).toEqual([0])
    vi.useRealTimers()
    await stuck.ended
    expect(onEnd).toHaveBeenCalledTimes(2)
    expect(supervisor.state.kind).toBe('ready')
  })

  it('is replaced once there is room, when too many are draining', async () => {
    const { runner, supervisor, start, patient, ignore } = set()
    await start()
    for (let i = 0; i < 4; i++) {
      void patient()
      await ignore()
      runner.last.greet()
      await turn()
    }
    void patient()
    await ignore()
    expect(runner.started).toHaveLength(5)
    // The call that keeps the first from ending is answered.
    const [first] = runner.started
    first?.events.message({ type: 'answer', id: 1, response: {} })
    await turn()
    expect(runner.started).toHaveLength(6)
    runner.last.greet()
    await turn()
    expect(supervisor.instances.map(({ state }) => state.kind)).toEqual(['ready', ...Array(4).fill('draining')])
  })

  it('is no canary any longer', async () => {
    const { runner, supervisor, start, upgrade, ignore, use } = set()
    await start()
    await upgrade('2.0.0', 0.5)
    await use(versionOf)
    await ignore()
    await turn()
    expect(runner.last.stops).toEqual([0])
    expect(supervisor.notice).toBe('2.0.0 was withdrawn: a call ignores its signal')
    expect(await use(versionOf)).toBe('1.0.0')
  })
})

describe('closing', () => {
  it('stops the plugin for good, once, and fails what comes', async () => {
    const { runner, supervisor, states, start, use } = setUp()
    await start()
    await Promise.all([supervisor.close(5000), supervisor.close(5000)])
    expect(runner.last.stops).toEqual([5000])
    expect(await errorOf(use(versionOf))).toMatchObject({ code: 'Unavailable', reason: 'HOST_STOPPING' })
    expect(await errorOf(supervisor.upgrade(version('2.0.0')))).toMatchObject({ reason: 'HOST_STOPPING' })
    expect(states.at(-1)).toBe('closed')
    expect(runner.started).toHaveLength(1)
  })

  it('while it starts fails who waits for the start', async () => {
    const { runner, supervisor } = setUp()
    const failure = errorOf(supervisor.start())
    await turn()
    await supervisor.close(10)
    expect(await failure).toMatchObject({ code: 'Unavailable', reason: 'HOST_STOPPING' })
    expect(supervisor.state).toEqual({ kind: 'closed' })
    expect(runner.started).toHaveLength(1)
  })

  it('while it waits to be started again starts nothing', async () => {
    const { runner, supervisor, start } = setUp()
    await start()
    runner.last.end('crash')
    await start()
    runner.last.end('crash')
    const failure = errorOf(supervisor.start())
    await supervisor.close(10)
    expect(await failure).toMatchObject({ reason: 'HOST_STOPPING' })
    expect(runner.started).toHaveLength(2)
  })

  it('while it starts can be looked at', async () => {
    const { runner, supervisor, states } = setUp()
    const failure = errorOf(supervisor.start())
    await turn()
    const retired = supervisor.retire(new AbortController().signal, 0)
    expect(supervisor.instances.map(({ state }) => state)).toEqual([{ kind: 'starting' }])
    await retired
    expect(await failure).toMatchObject({ reason: 'HOST_STOPPING' })
    expect({ states, stops: runner.last.stops }).toEqual({ states: ['starting', 'closed'], stops: [5000] })
  })

  it('of one that never ran does nothing', async () => {
    const { runner, supervisor } = setUp()
    await supervisor.close(10)
    expect(runner.started).toHaveLength(0)
  })

  it('of a plugin that was removed waits for its calls, until the signal aborts', async () => {
    const { runner, supervisor, start, use } = setUp()
    await start()
    const held = Promise.withResolvers<string>()
    const running = use(async () => await held.promise)
    await turn()
    const retired = supervisor.retire(new AbortController().signal, 5000)
    await turn()
    expect(runner.last.stops).toEqual([])
    expect(await errorOf(use(versionOf))).toMatchObject({ reason: 'HOST_STOPPING' })
    held.resolve('done')
    expect(await running).toBe('done')
    await retired
    expect(supervisor.instances).toEqual([])

    const impatient = setUp()
    await impatient.start()
    void impatient.use(() => new Promise(() => {}))
    await turn()
    await impatient.supervisor.retire(AbortSignal.abort(), 5000)
    expect(impatient.runner.last.stops).toEqual([5000])
  })
})
