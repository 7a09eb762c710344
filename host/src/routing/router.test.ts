import { type CallContext, type Machine, type MachineClass, MachineError, type Plugin, Type } from '@mcm/sdk'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { errorOf, inlineRouter, pluginOf } from '../testing/inline-host.ts'

const machine = (name = 'm', providerID?: string): Machine => {
  return { metadata: { name, namespace: 'ns' }, spec: { ...(providerID && { providerID }) } }
}
const classOf = (provider: string, providerSpec = {}): MachineClass => {
  return { metadata: { name: 'c', namespace: 'ns' }, provider, providerSpec }
}
const request = (provider = 'A', name = 'm') => ({ machine: machine(name), machineClass: classOf(provider) })

/** A plugin whose calls wait until the test lets them go. */
function heldPlugin(provider: string) {
  const calls: { release(): void; fail(error: Error): void; context: CallContext }[] = []
  const arrivals: (() => void)[] = []
  const hold = async (_: unknown, context: CallContext) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    calls.push({ release: resolve, fail: reject, context })
    arrivals.shift()?.()
    await promise
    return { providerID: 'x:///1', nodeName: 'n' }
  }
  const plugin = pluginOf(provider, {
    createMachine: hold,
    deleteMachine: async (call, context) => {
      await hold(call, context)
      return {}
    },
    getMachineStatus: async () => ({ providerID: 'x:///1', nodeName: 'n' }),
  })
  /** The next call that begins. */
  const next = async () => {
    const index = calls.length
    await new Promise<void>((resolve) => arrivals.push(resolve))
    const call = calls[index]
    if (!call) throw new Error('no call came')
    return call
  }
  return { plugin, next, calls }
}

afterEach(() => {
  vi.useRealTimers()
})

describe('routing', () => {
  it.each(['', 'B', 'a', 'A ', '__proto__', 'constructor', 'A\u0000', '../A', 'x'.repeat(10_000)])(
    'refuses provider %j, and names the installed ones',
    async (provider) => {
      const { driver } = inlineRouter([pluginOf('A', { aliases: ['a1'] }), pluginOf('C')])
      const error = await errorOf(driver.createMachine(request(provider)))
      expect(error).toMatchObject({ code: 'InvalidArgument', source: 'host', reason: 'PROVIDER_UNKNOWN' })
      expect(error.message).toMatch(/; it serves A, C, a1$/)
      expect(error.message.length).toBeLessThan(300)
      expect(error.violations).toEqual([
        { path: 'machineClass.provider', message: provider === '' ? 'is required' : 'is not served by this host' },
      ])
    },
  )

  it('reaches a plugin by its name and its aliases', async () => {
    const { driver } = inlineRouter([pluginOf('A', { aliases: ['a1'] })])
    for (const provider of ['A', 'a1'])
      expect((await driver.createMachine(request(provider))).providerID).toBe('x:///1')
  })

  it.each<[string, Parameters<ReturnType<typeof inlineRouter>['router']['call']>]>([
    ['CreateMachine: machine is required, machineClass is required', ['createMachine', {} as never]],
    ['GetMachineStatus: machine is required', ['getMachineStatus', { machineClass: classOf('A') } as never]],
    ['ListMachines: machineClass is required', ['listMachines', {} as never]],
    ['ValidateMachineClass: machineClass is required', ['validateMachineClass', {} as never]],
    [
      'CreateMachine: machine.metadata.name is required',
      ['createMachine', { ...request('A', ''), machine: machine('', 'x:///1') }],
    ],
    ['DeleteMachine: machine.metadata.name is required', ['deleteMachine', request('A', '')]],
  ])('refuses an incomplete request: %s', async (message, [method, incomplete]) => {
    const { router } = inlineRouter([pluginOf('A')])
    expect(await errorOf(router.call(method, incomplete))).toMatchObject({
      code: 'InvalidArgument',
      reason: 'REQUEST_INCOMPLETE',
      message,
    })
  })

  it('deletes a VM that is known by its providerID only', async () => {
    const { driver } = inlineRouter([pluginOf('A')])
    expect(await driver.deleteMachine({ machine: machine('', 'x:///1'), machineClass: classOf('A') })).toEqual({})
  })

  it('answers Unimplemented for what the plugin does not have', async () => {
    const { driver } = inlineRouter([pluginOf('A', { listMachines: undefined as never })])
    for (const method of ['listMachines', 'getMachineStatus', 'initializeMachine'] as const) {
      expect(await errorOf(driver[method](request()))).toMatchObject({
        code: 'Unimplemented',
        reason: 'METHOD_MISSING',
        source: 'plugin',
      })
    }
  })
})

describe('a spec', () => {
  const spec = Type.Object({ region: Type.String(), size: Type.String({ default: 's' }) })

  it("gets its defaults, and the caller's class stays as it was", async () => {
    const seen: unknown[] = []
    const createMachine = async ({ spec, machineClass }: { spec: unknown; machineClass: MachineClass }) => {
      seen.push(spec, machineClass.providerSpec)
      return { providerID: 'x:///1', nodeName: 'n' }
    }
    const { driver } = inlineRouter([pluginOf('A', { providerSpec: spec, createMachine })])
    const machineClass = classOf('A', { region: 'north' })
    await driver.createMachine({ machine: machine(), machineClass })
    expect(seen).toEqual([
      { region: 'north', size: 's' },
      { region: 'north', size: 's' },
    ])
    expect(machineClass).toEqual(classOf('A', { region: 'north' }))
  })

  it('that is wrong does not reach the plugin, nor its own rules', async () => {
    const createMachine = vi.fn()
    const validate = vi.fn()
    const { driver } = inlineRouter([
      pluginOf('A', { providerSpec: spec, secret: { token: 'required' }, createMachine, validate }),
    ])
    expect(await errorOf(driver.createMachine(request()))).toMatchObject({
      code: 'InvalidArgument',
      reason: 'SPEC_INVALID',
      violations: [
        { path: 'providerSpec.region', message: 'is required' },
        { path: 'secret.data.token', message: 'is required' },
      ],
    })
    expect([createMachine, validate].map((mock) => mock.mock.calls.length)).toEqual([0, 0])
  })

  it('is not asked of calls that have none', async () => {
    const validate = vi.fn(() => [{ path: 'providerSpec', message: 'x' }])
    const getVolumeIDs = async () => ({ volumeIDs: ['v'] })
    const { driver } = inlineRouter([pluginOf('A', { validate, getVolumeIDs })])
    expect(await driver.getVolumeIDs({ pvSpecs: [{}], machineClass: classOf('A', { anything: 1 }) })).toEqual({
      volumeIDs: ['v'],
    })
    expect(validate).not.toHaveBeenCalled()
  })

  it("is checked by the plugin's own rules together with the Secret, whose values are told to nobody", async () => {
    const validate: Plugin['validate'] = ({ secret }) => {
      return secret?.text('token').startsWith('ok') === false
        ? [{ path: 'secret.data.token', message: `must begin with ok, is ${secret.text('token')}` }]
        : []
    }
    const { driver } = inlineRouter([pluginOf('A', { secret: { token: 'required' }, validate })])
    const secret = (token: string) => ({ stringData: { token } })
    const violations = [{ path: 'secret.data.token', message: 'must begin with ok, is [redacted: token]' }]
    expect(await errorOf(driver.createMachine({ ...request(), secret: secret('wrong-value') }))).toMatchObject({
      reason: 'SECRET_INVALID',
      message: expect.stringMatching(/^the Secret of MachineClass "c" \(provider A\) is not valid\n/),
      violations,
    })
    const machineClass = classOf('A')
    expect(await driver.validateMachineClass({ machineClass, secret: secret('wrong-value') })).toEqual({ violations })
    expect(await driver.validateMachineClass({ machineClass, secret: secret('ok-value') })).toEqual({ violations: [] })
    expect(await driver.validateMachineClass({ machineClass })).toEqual({ violations: [] })
    expect(await driver.validateMachineClass({ machineClass, secret: {} })).toEqual({
      violations: [{ path: 'secret.data.token', message: 'is required' }],
    })
  })

  it('with more violations than a text should have is told in short', async () => {
    const many = Type.Object(Object.fromEntries(Array.from({ length: 15 }, (_, i) => [`f${i}`, Type.String()])))
    const { driver } = inlineRouter([pluginOf('A', { providerSpec: many })])
    const { message, violations } = await errorOf(driver.createMachine(request()))
    expect(violations).toHaveLength(15)
    expect(message.split('\n').slice(-2)).toEqual([
      '  … and 5 more; ValidateMachineClass lists them',
      'correct it and apply it again; nothing was changed at the provider',
    ])
  })

  it("with very many violations of the plugin's own rules is told in short too", async () => {
    const validate = () => Array(200_000).fill({ path: 'providerSpec', message: 'x' })
    const { driver } = inlineRouter([pluginOf('A', { validate })])
    const { reason, message, violations } = await errorOf(driver.createMachine(request()))
    expect(reason).toBe('SPEC_INVALID')
    expect(message).toContain('  … and 91 more; ValidateMachineClass lists them\n')
    expect(violations.at(-1)).toEqual({ path: '', message: '… and 199900 more' })
  })

  it("keeps the plugin's own words about what it found out later", async () => {
    const violations = [{ path: 'providerSpec.image', message: 'does not exist' }]
    const createMachine = async () => {
      throw new MachineError('InvalidArgument', 'no such image', { violations, lastKnownState: 's' })
    }
    const { driver } = inlineRouter([pluginOf('A', { createMachine })])
    expect(await errorOf(driver.createMachine(request()))).toMatchObject({
      message: 'no such image',
      source: 'host',
      violations,
      lastKnownState: 's',
    })
  })

  it('is checked by the version that gets it, though the call has waited while another one ran', async () => {
    const { plugin, next } = heldPlugin('A')
    const { driver, resilience, supervisors } = inlineRouter([plugin], { perPlugin: 1 })
    const running = errorOf(driver.createMachine(request()))
    const held = await next()
    const waiting = errorOf(driver.createMachine(request('A', 'other')))
    await vi.waitFor(() => expect(resilience.figures('plugin-A').queued).toBe(1))
    // The next to start is stricter.
    Object.assign(plugin, { providerSpec: spec })
    const [old] = supervisors.flatMap(({ instances }) => instances)
    const stopped = old?.stop(0)
    await vi.waitFor(() => expect(held.context.signal.aborted).toBe(true))
    held.fail(held.context.signal.reason)
    await stopped
    expect(await running).toMatchObject({ reason: 'HOST_STOPPING' })
    expect(await waiting).toMatchObject({
      reason: 'SPEC_INVALID',
      violations: [{ path: 'providerSpec.region', message: 'is required' }],
    })
    // Each of the two calls counts once, for the version that it was given.
    const outcomes = supervisors.flatMap(({ instances }) => instances.map(({ outcomes }) => outcomes.calls))
    expect([old?.outcomes.calls, ...outcomes]).toEqual([1, 1])
    expect(resilience.figures('plugin-A')).toMatchObject({ running: 0, queued: 0 })
  })

  it('comes with those keys of the Secret only that the plugin named', async () => {
    const seen: unknown[] = []
    const createMachine = async ({ secret }: { secret: object }) => {
      const reader = secret as { text(key: string): string }
      seen.push(['token', 'old', 'other'].map((key) => reader.text(key)))
      return { providerID: 'x:///1', nodeName: 'n' }
    }
    const { driver } = inlineRouter([
      pluginOf('A', { secret: { token: { required: true, aliases: ['old'] } }, createMachine }),
    ])
    const data = { old: Buffer.from('o'), other: Buffer.from('x') }
    await driver.createMachine({ ...request(), secret: { data, stringData: { old: 'text wins' } } })
    expect(seen).toEqual([['text wins', 'text wins', '']])
  })
})

describe('a changing call', () => {
  it('runs alone per machine: a second one learns which runs, reads and other machines go beside it', async () => {
    const { plugin, next } = heldPlugin('A')
    const { driver } = inlineRouter([plugin, pluginOf('B')])
    const first = driver.createMachine(request())
    const held = await next()
    const error = await errorOf(driver.deleteMachine(request()))
    expect(error).toMatchObject({ code: 'Aborted', source: 'host', reason: 'MACHINE_BUSY', retry: 'soon' })
    expect(error.message).toMatch(
      /^CreateMachine of machine ns\/m is running since \d+ s; DeleteMachine has to wait for it$/,
    )
    expect((await driver.getMachineStatus(request())).nodeName).toBe('n')
    expect((await driver.createMachine(request('B'))).nodeName).toBe('n')
    const other = driver.createMachine(request('A', 'other'))
    ;(await next()).release()
    await other
    held.release()
    await first
  })

  it('lets the next one begin at once when it has been answered', async () => {
    const { driver } = inlineRouter([pluginOf('A')])
    for (let i = 0; i < 20; i++) {
      await driver.createMachine(request())
      await driver.deleteMachine(request())
    }
  })

  it("keeps its machine also when its provider's name has moved to another package", async () => {
    const before = heldPlugin('A')
    const after = { ...pluginOf('C', { aliases: ['A'] }) }
    const { driver, routes, supervisors } = inlineRouter([before.plugin, after])
    const [old] = supervisors
    if (!old) throw new Error('no supervisor')
    const first = driver.createMachine(request())
    const held = await before.next()
    const left = routes.remove(old, () => old.retire(new AbortController().signal, 0))
    expect(await errorOf(driver.createMachine(request()))).toMatchObject({ reason: 'MACHINE_BUSY' })
    held.release()
    await Promise.all([first, left])
    expect((await driver.createMachine(request())).nodeName).toBe('n')
  })

  it('by name and by providerID is the same machine', async () => {
    const { plugin, next } = heldPlugin('A')
    const { driver } = inlineRouter([plugin])
    const first = driver.deleteMachine({ machine: machine('m', 'x:///1'), machineClass: classOf('A') })
    const held = await next()
    const orphan = { machine: machine('', 'x:///1'), machineClass: classOf('A') }
    expect(await errorOf(driver.deleteMachine(orphan))).toMatchObject({ code: 'Aborted' })
    held.release()
    await first
  })

  it('keeps its machine until the plugin has ended it, though the caller has gone', async () => {
    const { plugin, next } = heldPlugin('A')
    const { driver } = inlineRouter([plugin])
    const controller = new AbortController()
    const first = errorOf(driver.createMachine(request(), { signal: controller.signal }))
    const held = await next()
    controller.abort()
    expect(await first).toMatchObject({ code: 'Canceled', reason: 'CALL_CANCELED' })
    expect(held.context.signal.aborted).toBe(true)
    expect(await errorOf(driver.createMachine(request()))).toMatchObject({ code: 'Aborted' })
    held.fail(new Error('stopped'))
    const again = driver.createMachine(request()).catch(() => driver.createMachine(request()))
    ;(await next()).release()
    expect((await again).nodeName).toBe('n')
  })

  it('does not begin when nobody waits for it', async () => {
    const { plugin, calls } = heldPlugin('A')
    const { driver } = inlineRouter([plugin])
    const options = [{ signal: AbortSignal.abort() }, { deadlineMs: Date.now() - 1 }]
    const codes = await Promise.all(
      options.map(async (option) => (await errorOf(driver.createMachine(request(), option))).code),
    )
    expect(codes).toEqual(['Canceled', 'DeadlineExceeded'])
    expect(calls).toHaveLength(0)
    // Nor does it keep the machine.
    const { promise } = { promise: driver.createMachine(request()) }
    await vi.waitFor(() => expect(calls).toHaveLength(1))
    calls[0]?.release()
    await promise
  })
})

describe('a deadline', () => {
  it.each([
    ['the default of a change', 'createMachine', undefined, 60_000],
    ['the default of a look', 'getMachineStatus', undefined, 30_000],
    ["the caller's", 'createMachine', 5000, 5000],
    ['the most there is', 'createMachine', 3_600_000, 120_000],
  ] as const)('is %s', async (_, method, wished, expected) => {
    let seen = 0
    const look = async (_: unknown, { deadlineMs }: CallContext) => {
      seen = deadlineMs
      return { providerID: 'x:///1', nodeName: 'n' }
    }
    vi.useFakeTimers()
    const { driver, supervisors } = inlineRouter([pluginOf('A', { createMachine: look, getMachineStatus: look })])
    await driver[method](request(), wished === undefined ? {} : { deadlineMs: Date.now() + wished })
    expect(seen - Date.now()).toBe(expected)
    await Promise.all(supervisors.map((supervisor) => supervisor.close(0)))
    expect(vi.getTimerCount()).toBe(0)
  })

  it('of a single method takes the place of all others, and is the most that a caller gets', async () => {
    const seen: number[] = []
    const look = async (_: unknown, { deadlineMs }: CallContext) => {
      seen.push(deadlineMs - Date.now())
      return { providerID: 'x:///1', nodeName: 'n' }
    }
    vi.useFakeTimers()
    const methodMs = { createMachine: 500_000, getMachineStatus: 1000 }
    const { driver } = inlineRouter([pluginOf('A', { createMachine: look, getMachineStatus: look })], { methodMs })
    await driver.createMachine(request())
    await driver.createMachine(request(), { deadlineMs: Date.now() + 300_000 })
    await driver.getMachineStatus(request(), { deadlineMs: Date.now() + 10_000 })
    expect(seen).toEqual([500_000, 300_000, 1000])
  })

  it('that passes ends the call, and tells the plugin why', async () => {
    vi.useFakeTimers()
    const { plugin, next } = heldPlugin('A')
    const { driver } = inlineRouter([plugin])
    const failure = errorOf(driver.createMachine(request()))
    const held = await next()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await failure).toMatchObject({
      code: 'DeadlineExceeded',
      source: 'host',
      reason: 'CALL_DEADLINE',
      message: 'CreateMachine by plugin-A took longer than its deadline',
    })
    expect(held.context.signal.reason).toMatchObject({ name: 'TimeoutError' })
    held.release()
  })
})

describe('volumes without a class', () => {
  const volumes = (provider: string, getVolumeIDs: () => Promise<{ volumeIDs: string[] }>) =>
    pluginOf(provider, { getVolumeIDs })
  const broken = volumes('B', async () => {
    throw new MachineError('Unavailable', 'away')
  })

  it.each([
    [
      'are asked of all plugins that know them',
      [
        volumes('A', async () => ({ volumeIDs: ['a'] })),
        volumes('C', async () => ({ volumeIDs: ['c'] })),
        pluginOf('D'),
      ],
      2,
      ['a', 'c'],
    ],
    [
      'do not need a plugin that fails, when all are known',
      [volumes('A', async () => ({ volumeIDs: ['a'] })), broken],
      1,
      ['a'],
    ],
    ['are none without plugins', [], 1, []],
  ])('%s', async (_, plugins, count, volumeIDs) => {
    const { driver, supervisors } = inlineRouter(plugins)
    await Promise.all(supervisors.map((supervisor) => supervisor.start()))
    expect(await driver.getVolumeIDs({ pvSpecs: Array.from({ length: count }, () => ({})) })).toEqual({ volumeIDs })
  })

  it('are asked also of plugins that have not been started, and of those only that know volumes', async () => {
    const { driver } = inlineRouter([volumes('A', async () => ({ volumeIDs: ['a'] })), pluginOf('D')])
    expect(await driver.getVolumeIDs({ pvSpecs: [{}, {}] })).toEqual({ volumeIDs: ['a'] })
  })

  it('do not fail for a plugin that cannot be started, which must not hurt its neighbours', async () => {
    const unusable = { ...pluginOf('B'), providerSpec: { type: 'nonsense' } } as unknown as Plugin
    const { driver } = inlineRouter([volumes('A', async () => ({ volumeIDs: ['a'] })), unusable])
    expect(await driver.getVolumeIDs({ pvSpecs: [{}, {}] })).toEqual({ volumeIDs: ['a'] })
  })

  it('fail when the plugin that failed might know the rest', async () => {
    const { driver, supervisors } = inlineRouter([volumes('A', async () => ({ volumeIDs: [] })), broken])
    await Promise.all(supervisors.map((supervisor) => supervisor.start()))
    expect(await errorOf(driver.getVolumeIDs({ pvSpecs: [{}] }))).toMatchObject({
      code: 'Unavailable',
      message: 'away',
    })
  })
})

describe('the log', () => {
  it.each([
    [
      'an answer',
      async () => ({ providerID: 'x:///1', nodeName: 'n' }),
      { level: 20, code: 'OK', msg: 'call answered' },
    ],
    [
      'an answer that is an error',
      async () => {
        throw new MachineError('NotFound', 'no VM')
      },
      { level: 20, code: 'NotFound', source: 'cloud', error: 'no VM', msg: 'call answered' },
    ],
    [
      'a failure',
      async () => {
        throw new MachineError('ResourceExhausted', 'no room', { reason: 'FULL' })
      },
      { level: 40, code: 'ResourceExhausted', source: 'cloud', reason: 'FULL', error: 'no room', msg: 'call failed' },
    ],
  ] as const)('has one line for %s', async (_, getMachineStatus, line) => {
    const { driver, lines } = inlineRouter([pluginOf('A', { getMachineStatus })])
    await driver.getMachineStatus({ ...request(), secret: { stringData: { token: 'hidden' } } }).catch(() => {})
    const call = { method: 'GetMachineStatus', plugin: 'plugin-A', machine: 'ns/m', machineClass: 'c' }
    expect(lines.filter(({ msg }) => String(msg).startsWith('call '))).toEqual([
      { ...call, ...line, requestId: expect.stringMatching(/^[0-9a-f]{12}$/), ms: expect.any(Number) },
    ])
    expect(JSON.stringify(lines)).not.toContain('hidden')
  })

  it.each([
    ['req-1/a', 'req-1/a'],
    ['é', undefined],
    ['', undefined],
    ['two words', undefined],
    ['line\nbreak', undefined],
    ['x'.repeat(128), 'x'.repeat(128)],
    ['x'.repeat(129), undefined],
  ])("has the caller's id %j only when it is sane, in the plugin's lines too", async (requestId, kept) => {
    const createMachine: Plugin['createMachine'] = async (_, { logger }) => {
      logger.info('working')
      return { providerID: 'x:///1', nodeName: 'n' }
    }
    const { driver, lines } = inlineRouter([pluginOf('A', { createMachine })])
    await driver.createMachine(request(), { requestId })
    const ids = lines.filter(({ msg }) => msg === 'working' || msg === 'call answered').map((line) => line.requestId)
    expect(ids).toEqual(Array(2).fill(kept ?? expect.stringMatching(/^[0-9a-f]{12}$/)))
    expect(ids[0]).toBe(ids[1])
  })

  it('has a line for a call that reaches no plugin, with no more of its texts than fit', async () => {
    const { driver, lines } = inlineRouter([])
    await errorOf(driver.createMachine(request('B'.repeat(10_000))))
    expect(lines).toEqual([expect.objectContaining({ level: 40, reason: 'PROVIDER_UNKNOWN', msg: 'call failed' })])
    expect(JSON.stringify(lines).length).toBeLessThan(1500)
  })
})

describe('draining', () => {
  it('refuses new calls and waits for the running ones', async () => {
    const { plugin, next } = heldPlugin('A')
    const { driver, router } = inlineRouter([plugin])
    const running = driver.createMachine(request())
    const held = await next()
    let isDrained = false
    const drained = router.drain(new AbortController().signal).then(() => {
      isDrained = true
    })
    expect(await errorOf(driver.getMachineStatus(request()))).toMatchObject({
      code: 'Unavailable',
      reason: 'HOST_STOPPING',
    })
    expect(isDrained).toBe(false)
    held.release()
    await Promise.all([running, drained])
    expect(isDrained).toBe(true)
  })

  it('ends with its signal at the latest, and closing cancels what is left', async () => {
    const { plugin, next } = heldPlugin('A')
    const { driver, router, supervisors } = inlineRouter([plugin])
    const running = errorOf(driver.createMachine(request()))
    const held = await next()
    await router.drain(AbortSignal.abort())
    const { signal } = held.context
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve))
    const closed = supervisors.map((supervisor) => supervisor.close(0))
    await aborted
    expect(held.context.signal.reason).toMatchObject({ name: 'AbortError' })
    held.fail(held.context.signal.reason)
    expect(await running).toMatchObject({ code: 'Unavailable', source: 'host', reason: 'HOST_STOPPING' })
    await Promise.all(closed)
  })
})
