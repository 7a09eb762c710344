import { type CallContext, type ClassCall, type MachineClass, MachineError } from '@mcm/sdk'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { errorOf, inlineRouter, pluginOf } from '../../testing/inline-host.ts'

const machineClass: MachineClass = { metadata: { name: 'c', namespace: 'ns' }, provider: 'A' }
const secret = (tenant: string) => ({ stringData: { token: `token-of-${tenant}` } })
/** A call of a tenant, by default for a machine of its own. */
const request = (tenant: string, name = `m-${Math.random()}`) => {
  return { machine: { metadata: { name, namespace: 'ns' }, spec: {} }, machineClass, secret: secret(tenant) }
}
const vm = { providerID: 'x:///1', nodeName: 'n' }
const throttled = (retryAfterMs?: number) => {
  const options = retryAfterMs === undefined ? {} : { retryAfterMs }
  return new MachineError('Unavailable', 'too many requests', { reason: 'Throttled', ...options })
}

/** A cloud that answers each tenant as the test says, with the calls that have reached it. */
function cloud(parts: Parameters<typeof pluginOf>[1] = {}) {
  const tenants: string[] = []
  const answers = new Map<string, (context: CallContext) => unknown>()
  const ask = async ({ secret }: Pick<ClassCall, 'secret'>, context: CallContext) => {
    const tenant = secret.text('token').replace('token-of-', '')
    tenants.push(tenant)
    await answers.get(tenant)?.(context)
    return vm
  }
  const plugin = pluginOf('A', {
    secret: { token: 'required', userData: 'optional' },
    createMachine: ask,
    getMachineStatus: ask,
    deleteMachine: async (call, context) => void (await ask(call, context)),
    listMachines: async (call, context) => ({ machineList: { [(await ask(call, context)).providerID]: 'm' } }),
    ...parts,
  })
  const callsOf = (tenant: string) => tenants.filter((each) => each === tenant).length
  const fail = (tenant: string, error: MachineError) =>
    answers.set(tenant, () => {
      throw error
    })
  /** Lets the tenant's calls wait, however their signals are, until they are let go. */
  const hold = (tenant: string) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    answers.set(tenant, () => promise)
    return resolve
  }
  return { plugin, answers, callsOf, fail, hold }
}

const failures = async (count: number, call: () => Promise<unknown>) => {
  for (let i = 0; i < count; i++) await errorOf(call())
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('a cloud that throttles one credential', () => {
  it('is left alone with that one, and other calls go on; when it answers again, so do all', async () => {
    const { plugin, answers, callsOf, fail } = cloud()
    const { driver, resilience, lines } = inlineRouter([plugin])
    fail('a', throttled(30_000))
    await failures(5, () => driver.createMachine(request('a')))
    const refused = await errorOf(driver.deleteMachine(request('a')))
    expect(refused).toMatchObject({
      code: 'Unavailable',
      source: 'cloud',
      reason: 'CLOUD_UNAVAILABLE',
      retry: 'soon',
      retryAfterMs: 30_000,
      message:
        'DeleteMachine was not begun, since the last calls of plugin-A with the same Secret found its cloud away: too many requests; try again in 30 s',
    })
    // Also what would be repeated.
    await failures(3, () => driver.getMachineStatus(request('a')))
    expect(callsOf('a')).toBe(5)
    for (let i = 0; i < 10; i++) expect(await driver.createMachine(request('b'))).toEqual(vm)
    expect(resilience.figures('plugin-A')).toEqual({ running: 0, queued: 0, openCircuits: 1 })

    vi.advanceTimersByTime(30_000)
    await failures(2, () => driver.createMachine(request('a')))
    expect(callsOf('a')).toBe(6)
    answers.delete('a')
    vi.advanceTimersByTime(30_000)
    for (let i = 0; i < 3; i++) expect(await driver.createMachine(request('a'))).toEqual(vm)
    expect(resilience.figures('plugin-A')).toEqual({ running: 0, queued: 0, openCircuits: 0 })

    const told = lines.filter(({ msg }) => String(msg).startsWith('cloud '))
    const credential = expect.stringMatching(/^[\w-]{8}$/)
    expect(told).toEqual([
      {
        level: 40,
        plugin: 'plugin-A',
        credential,
        error: 'too many requests',
        retryAfterMs: 30_000,
        msg: 'cloud is left alone for a while',
      },
      { level: 30, plugin: 'plugin-A', credential, msg: 'cloud answers again' },
    ])
    expect(told[0]?.credential).toBe(told[1]?.credential)
    expect(JSON.stringify(lines)).not.toContain('token-of')
  })

  it('is known by the credential, whatever the user data', async () => {
    const { plugin, callsOf, fail } = cloud()
    const { driver } = inlineRouter([plugin])
    fail('a', throttled())
    for (let i = 0; i < 6; i++) {
      const { stringData } = secret('a')
      const call = { ...request('a'), secret: { stringData: { ...stringData, userData: `of machine ${i}` } } }
      await errorOf(driver.createMachine(call))
    }
    expect(callsOf('a')).toBe(5)
  })

  it('does not keep calls waiting that do not go there', async () => {
    const getVolumeIDs = async () => ({ volumeIDs: ['v'] })
    const { plugin, fail } = cloud({ getVolumeIDs, validate: () => [] })
    const { driver } = inlineRouter([plugin])
    fail('a', throttled())
    await failures(5, () => driver.createMachine(request('a')))
    expect(await driver.validateMachineClass({ machineClass, secret: secret('a') })).toEqual({ violations: [] })
    expect(await driver.getVolumeIDs({ pvSpecs: [{}], machineClass })).toEqual({ volumeIDs: ['v'] })
    // Nor has it been found to answer by that.
    expect(await errorOf(driver.createMachine(request('a')))).toMatchObject({ reason: 'CLOUD_UNAVAILABLE' })
  })

  it('gets none of the calls that were waiting for their turn', async () => {
    const { plugin, answers, callsOf } = cloud()
    const { driver } = inlineRouter([plugin], { perCredential: 5 })
    const { promise, reject } = Promise.withResolvers<void>()
    answers.set('a', () => promise)
    const calls = Array.from({ length: 40 }, () => errorOf(driver.createMachine(request('a'))))
    await vi.waitFor(() => expect(callsOf('a')).toBe(5))
    reject(throttled())
    const reasons = (await Promise.all(calls)).map(({ reason }) => reason)
    // Those whose turn came in the very moment in which it was found away still went there.
    expect(reasons.filter((reason) => reason === 'CLOUD_UNAVAILABLE')).toHaveLength(40 - callsOf('a'))
    expect(callsOf('a')).toBeLessThanOrEqual(10)
  })

  it('is not found away by other failures, nor where no Secret says whose cloud it is', async () => {
    const { plugin, callsOf, fail } = cloud()
    const bare = pluginOf('B', {
      createMachine: async () => {
        throw throttled()
      },
    })
    const { driver } = inlineRouter([plugin, bare])
    fail('a', new MachineError('ResourceExhausted', 'no room', { retryAfterMs: 60_000 }))
    await failures(10, () => driver.createMachine(request('a')))
    expect(callsOf('a')).toBe(10)
    const inB = () => driver.createMachine({ ...request('a'), machineClass: { ...machineClass, provider: 'B' } })
    await failures(10, inB)
    expect(await errorOf(inB())).toMatchObject({ reason: 'Throttled' })
  })
})

describe('a call whose credential has all its slots taken', () => {
  it('waits for its turn, and those with another credential do not', async () => {
    const { plugin, answers, callsOf, hold } = cloud()
    const { driver, resilience } = inlineRouter([plugin], { perCredential: 2 })
    const letGo = hold('a')
    const calls = Array.from({ length: 5 }, () => driver.createMachine(request('a')))
    await vi.waitFor(() => expect(resilience.figures('plugin-A')).toMatchObject({ running: 2, queued: 3 }))
    for (let i = 0; i < 5; i++) expect(await driver.createMachine(request('b'))).toEqual(vm)
    expect(callsOf('a')).toBe(2)
    answers.delete('a')
    letGo()
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 5 }, () => vm))
    expect(resilience.figures('plugin-A')).toEqual({ running: 0, queued: 0, openCircuits: 0 })
  })

  it('leaves the queue when its caller goes or its deadline passes, and says where it was', async () => {
    const { plugin, callsOf, hold } = cloud()
    const { driver, resilience } = inlineRouter([plugin], { perCredential: 1 })
    const letGo = hold('a')
    const running = driver.createMachine(request('a'))
    await vi.waitFor(() => expect(callsOf('a')).toBe(1))
    const controller = new AbortController()
    const left = errorOf(driver.createMachine(request('a'), { signal: controller.signal }))
    const late = errorOf(driver.createMachine(request('a'), { deadlineMs: Date.now() + 20_000 }))
    await vi.waitFor(() => expect(resilience.figures('plugin-A').queued).toBe(2))
    controller.abort()
    expect(await left).toMatchObject({
      code: 'Canceled',
      reason: 'CALL_CANCELED',
      message: 'CreateMachine waited 0 s in the queue of plugin-A, and was cancelled by the caller',
    })
    await vi.advanceTimersByTimeAsync(20_000)
    expect(await late).toMatchObject({
      code: 'DeadlineExceeded',
      source: 'host',
      reason: 'CALL_DEADLINE',
      message:
        'CreateMachine waited 20 s in the queue of plugin-A until its deadline passed; running now: 1 with the same Secret, 1 in all',
    })
    letGo()
    await running
    expect(callsOf('a')).toBe(1)
    expect(resilience.figures('plugin-A')).toEqual({ running: 0, queued: 0, openCircuits: 0 })
  })

  it('is refused when no more may wait', async () => {
    const { plugin, hold } = cloud()
    const { driver, resilience } = inlineRouter([plugin], { perCredential: 1, queuePerCredential: 2 })
    const letGo = hold('a')
    const calls = Array.from({ length: 3 }, () => driver.createMachine(request('a')))
    await vi.waitFor(() => expect(resilience.figures('plugin-A').queued).toBe(2))
    expect(await errorOf(driver.createMachine(request('a')))).toMatchObject({
      code: 'Unavailable',
      source: 'host',
      reason: 'HOST_BUSY',
      retryAfterMs: 1000,
      message:
        'CreateMachine was not begun, since calls of plugin-A with the same Secret fill the queue: 2; running now: 1 with the same Secret, 1 in all',
    })
    expect(await driver.createMachine(request('b'))).toEqual(vm)
    letGo()
    await Promise.all(calls)
  })

  it('waits for calls that their plugin still works on, though their callers have gone', async () => {
    const { plugin, answers, callsOf, hold } = cloud()
    const { driver, resilience } = inlineRouter([plugin], { perCredential: 1 })
    const letGo = hold('a')
    const controller = new AbortController()
    const gone = errorOf(driver.createMachine(request('a'), { signal: controller.signal }))
    await vi.waitFor(() => expect(callsOf('a')).toBe(1))
    controller.abort()
    expect(await gone).toMatchObject({ code: 'Canceled' })
    const next = driver.createMachine(request('a'))
    await vi.waitFor(() => expect(resilience.figures('plugin-A').queued).toBe(1))
    expect(callsOf('a')).toBe(1)
    answers.delete('a')
    letGo()
    expect(await next).toEqual(vm)
  })

  it('gets its slot back to the others when another call has its machine', async () => {
    const { plugin, callsOf, hold } = cloud()
    const { driver, resilience } = inlineRouter([plugin])
    const letGo = hold('a')
    const first = driver.createMachine(request('a', 'm'))
    await vi.waitFor(() => expect(callsOf('a')).toBe(1))
    await failures(3, () => driver.deleteMachine(request('a', 'm')))
    expect(resilience.figures('plugin-A').running).toBe(1)
    letGo()
    await first
    expect(resilience.figures('plugin-A').running).toBe(0)
  })
})

describe('a look that failed for a reason that passes', () => {
  it('is repeated until it is answered', async () => {
    const { plugin, answers, callsOf } = cloud()
    const { driver, lines } = inlineRouter([plugin])
    answers.set('a', () => {
      if (callsOf('a') < 3) throw throttled()
    })
    const status = driver.getMachineStatus(request('a'))
    await vi.waitFor(() => expect(callsOf('a')).toBe(1))
    await vi.advanceTimersByTimeAsync(1000)
    expect(await status).toEqual(vm)
    expect(callsOf('a')).toBe(3)
    expect(lines.filter(({ msg }) => String(msg).startsWith('call '))).toHaveLength(1)
  })

  it('is repeated twice at most, and not when its caller has gone; a change never is', async () => {
    const { plugin, callsOf, fail } = cloud()
    const { driver } = inlineRouter([plugin])
    for (const tenant of ['a', 'b', 'c']) fail(tenant, throttled())
    const list = errorOf(driver.listMachines(request('a')))
    await vi.waitFor(() => expect(callsOf('a')).toBe(1))
    await vi.advanceTimersByTimeAsync(1000)
    expect(await list).toMatchObject({ reason: 'Throttled' })
    expect(callsOf('a')).toBe(3)
    await failures(2, () => driver.createMachine(request('b')))
    expect(callsOf('b')).toBe(2)
    const controller = new AbortController()
    const status = errorOf(driver.getMachineStatus(request('c'), { signal: controller.signal }))
    await vi.waitFor(() => expect(callsOf('c')).toBe(1))
    await vi.waitFor(() => expect(vi.getTimerCount()).toBe(1))
    controller.abort()
    expect(await status).toMatchObject({
      reason: 'CALL_CANCELED',
      message: 'GetMachineStatus by plugin-A was cancelled by the caller before it was repeated: too many requests',
    })
    expect([callsOf('c'), vi.getTimerCount()]).toEqual([1, 0])
  })

  it('is not repeated once its cloud is known to be away', async () => {
    const { plugin, callsOf, fail } = cloud()
    const { driver } = inlineRouter([plugin])
    fail('a', throttled())
    await failures(4, () => driver.createMachine(request('a')))
    expect(await errorOf(driver.getMachineStatus(request('a')))).toMatchObject({ reason: 'Throttled' })
    expect(callsOf('a')).toBe(5)
  })
})
