import { describe, expect, it, onTestFinished } from 'vitest'
import { scratchCloud } from '../testing/scratch-cloud.ts'
import {
  type CloudControl,
  connectCloud,
  controlCloud,
  credentialOf,
  type Fault,
  type InstanceRequest,
  type OperationOptions,
  type Settings,
} from './index.ts'

const signal = AbortSignal.timeout(30_000)

async function setUp() {
  const { endpoint, control } = await scratchCloud()
  const login = async (token = 'demo:1') => {
    const cloud = await connectCloud({ endpoint, token, signal })
    onTestFinished(() => cloud.close())
    return cloud
  }
  return { endpoint, control, login, cloud: await login() }
}

const requestFor = (changes: Partial<InstanceRequest> = {}): InstanceRequest => ({
  name: 'a',
  clientToken: crypto.randomUUID(),
  region: 'eu-1',
  zone: 'eu-1a',
  machineType: 'small-1',
  image: 'linux-1',
  disk: { sizeGiB: 10, type: 'ssd' },
  networks: [{ subnet: 'default', publicAddress: false }],
  tags: {},
  spot: false,
  bootMs: 0,
  needsInitialization: false,
  ...changes,
})

const states = async (control: CloudControl) => (await control.instances()).map(({ state }) => state)

describe('the life of an instance', () => {
  it('boots, runs, shuts down and is terminated', async () => {
    const { cloud, control } = await setUp()
    await control.set({ terminationMs: 60_000 })
    const { id, region } = await cloud.createInstance(requestFor({ bootMs: 60_000 }), { signal })
    expect(await states(control)).toEqual(['pending'])
    await control.advance(60_000)
    expect(await states(control)).toEqual(['running'])
    await cloud.deleteInstance({ id, region }, { signal })
    expect(await cloud.getInstance({ id, region }, { signal })).toMatchObject({ state: 'shutting-down' })
    await control.advance(60_000)
    expect(await states(control)).toEqual(['terminated'])
    expect(await cloud.listInstances({ region }, { signal })).toEqual({ instances: [] })
  })

  it('ends early for a spot instance', async () => {
    const { cloud, control } = await setUp()
    await control.set({ spotLifetimeMs: 60_000 })
    await cloud.createInstance(requestFor({ spot: true }), { signal })
    await cloud.createInstance(requestFor(), { signal })
    expect(await states(control)).toEqual(['running', 'running'])
    await control.advance(60_000)
    expect(await states(control)).toEqual(['terminated', 'running'])
  })

  it('is seen by every process that opens the file, and outlives them all', async () => {
    const { cloud, control, endpoint } = await setUp()
    await cloud.createInstance(requestFor(), { signal })
    cloud.close()
    control.close()
    const later = await controlCloud(endpoint)
    expect(await later.instances()).toHaveLength(1)
    await later.reset()
    expect(await later.instances()).toEqual([])
    later.close()
  })
})

describe('quotas', () => {
  it.each<[string, Settings['quotas'][number], Partial<InstanceRequest>, string]>([
    ['an account', { per: 'account', instances: 1 }, { region: 'us-1', zone: 'us-1a' }, 'demo:2'],
    ['a credential', { per: 'credential', name: credentialOf('demo:1'), instances: 1 }, {}, 'demo:1'],
    ['a region', { per: 'region', instances: 1 }, { zone: 'eu-1b' }, 'demo:2'],
    ['a zone', { per: 'zone', name: 'eu-1a', instances: 1 }, {}, 'demo:2'],
    ['a machine type', { per: 'machineType', instances: 1 }, { zone: 'eu-1b' }, 'demo:2'],
  ])('limit %s', async (_, quota, second, token) => {
    const { cloud, control, login } = await setUp()
    await control.set({ quotas: [quota] })
    const { id, region } = await cloud.createInstance(requestFor(), { signal })
    const other = await login(token)
    await expect(other.createInstance(requestFor(second), { signal })).rejects.toMatchObject({ code: 'QuotaExceeded' })
    await cloud.deleteInstance({ id, region }, { signal })
    await other.createInstance(requestFor(second), { signal })
  })

  it('leave others alone', async () => {
    const { cloud, control, login } = await setUp()
    await control.set({
      quotas: [
        { per: 'account', instances: 1 },
        { per: 'zone', name: 'eu-1b', instances: 0 },
      ],
    })
    await cloud.createInstance(requestFor(), { signal })
    await (await login('other:1')).createInstance(requestFor(), { signal })
  })
})

describe('credentials', () => {
  it('can be limited while clients are logged in', async () => {
    const { cloud, control, login } = await setUp()
    await control.set({ credentials: [credentialOf('demo:2')] })
    await expect(cloud.listInstances({ region: 'eu-1' }, { signal })).rejects.toMatchObject({ code: 'InvalidToken' })
    expect(await (await login('demo:2')).listInstances({ region: 'eu-1' }, { signal })).toEqual({ instances: [] })
  })

  it('keep accounts apart', async () => {
    const { cloud, login } = await setUp()
    const { id, region } = await cloud.createInstance(requestFor(), { signal })
    const other = await login('other:1')
    await expect(other.deleteInstance({ id, region }, { signal })).rejects.toMatchObject({ code: 'InstanceNotFound' })
  })
})

describe('throttling', () => {
  it('answers Throttled with the time to wait until the bucket has filled again', async () => {
    const { cloud, control } = await setUp()
    const ask = () => cloud.listInstances({ region: 'eu-1' }, { signal })
    // So slow that the bucket gains nothing during the test.
    await control.set({ requestsPerSecond: 0.0001 })
    await ask()
    const error = await ask().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'Throttled' })
    await control.advance(Reflect.get(Object(error), 'retryAfterMs'))
    await ask()
  })
})

describe('faults', () => {
  const create = { method: 'createMachine', machine: 'a', isChanging: true }
  const status = { method: 'getMachineStatus', machine: 'a', isChanging: false }

  /** The codes that the operations of two calls get, one after the other. */
  async function outcomes(fault: Fault) {
    const { cloud, control } = await setUp()
    await control.inject(fault)
    const outcome = (answer: Promise<unknown>) =>
      answer.then(
        () => 'ok',
        (error: { code: string }) => error.code,
      )
    const list = (options: OperationOptions) => outcome(cloud.listInstances({ region: 'eu-1' }, options))
    return {
      status: await list({ signal, caller: status }),
      find: await list({ signal, caller: create }),
      create: await outcome(cloud.createInstance(requestFor(), { signal, caller: create })),
      again: await outcome(cloud.createInstance(requestFor({ name: 'b' }), { signal, caller: create })),
      made: (await control.instances()).length,
      left: (await control.faults()).length,
    }
  }

  it.each<[string, Fault, object]>([
    ['the first operation of a method', { on: 'createMachine', error: 'QuotaExceeded' }, { find: 'QuotaExceeded' }],
    [
      'the answer of a method, for one that changes something its changing operation',
      { on: 'createMachine', error: 'ConnectionReset', afterExecution: true },
      { create: 'ConnectionReset' },
    ],
    [
      'the answer of a method that only reads',
      { on: 'getMachineStatus', error: 'ConnectionReset', afterExecution: true },
      { status: 'ConnectionReset' },
    ],
    [
      'an operation of the cloud, without making anything',
      { on: 'createInstance', error: 'InsufficientCapacity' },
      { create: 'InsufficientCapacity', made: 1 },
    ],
    [
      'as often as it says, by machine code',
      { on: 'createInstance', error: 'ResourceExhausted', times: 3 },
      { create: 'InsufficientCapacity', again: 'InsufficientCapacity', made: 0, left: 1 },
    ],
    [
      'always',
      { on: '*', error: 'Unavailable', times: 'always' },
      {
        status: 'ServiceUnavailable',
        find: 'ServiceUnavailable',
        create: 'ServiceUnavailable',
        again: 'ServiceUnavailable',
        made: 0,
        left: 1,
      },
    ],
    ['only its machine', { on: '*', error: 'Internal', machine: 'other' }, { left: 1 }],
    ['never with probability 0', { on: '*', error: 'Internal', probability: 0 }, { left: 1 }],
    ['only by delaying', { on: 'createInstance', delayMs: 1 }, {}],
  ])('hit %s', async (_, fault, expected) => {
    const ok = { status: 'ok', find: 'ok', create: 'ok', again: 'ok', made: 2, left: 0 }
    expect(await outcomes(fault)).toEqual({ ...ok, ...expected })
  })

  it('can be cleared', async () => {
    const { cloud, control } = await setUp()
    await control.inject({ on: '*', error: 'Internal', times: 'always' })
    await control.clearFaults()
    await cloud.listInstances({ region: 'eu-1' }, { signal })
  })

  it.each([
    [{ on: 'createMachin', error: 'Internal' }, /^fault: on must be one of \*, createMachine, .*; is createMachin$/],
    [{ on: '*' }, /^fault: error or delayMs must be set$/],
    [{ on: '*', error: 'Nonsense' }, /^fault: error must be a machine code or one of .*; is Nonsense$/],
    [{ on: '*', error: 'Internal', times: 0 }, /^fault: times must be/],
    [{ on: '*', error: 'Internal', probability: 2 }, /^fault: probability must be/],
    [{ on: '*', delayMs: -1 }, /^fault: delayMs must be/],
  ])('are refused when wrong: %j', async (fault, message) => {
    const { control } = await setUp()
    await expect(control.inject(fault as Fault)).rejects.toThrow(message)
    expect(await control.faults()).toEqual([])
  })
})

describe('settings', () => {
  it.each([
    { latency: 1 },
    { latencyMs: -1 },
    { latencyMsOf: { createInstance: 'long' } },
    { pageSize: 0 },
    { quotas: [{ per: 'planet', instances: 1 }] },
    { credentials: [1] },
  ])('are refused when wrong, and then nothing is changed: %j', async (changes) => {
    const { control } = await setUp()
    const before = await control.settings()
    await expect(control.set({ terminationMs: 5, ...changes } as Partial<Settings>)).rejects.toThrow(TypeError)
    expect(await control.settings()).toEqual(before)
  })

  it('keep what is not named', async () => {
    const { control } = await setUp()
    await control.set({ pageSize: 7 })
    expect(await control.set({ latencyMs: 1 })).toMatchObject({ pageSize: 7, latencyMs: 1 })
  })
})

it.each([
  ['that cannot be made', 'file:///dev/null/cloud.db'],
  ['that is something else', import.meta.url],
])('says which file it is %s', async (_, endpoint) => {
  await expect(controlCloud(endpoint)).rejects.toMatchObject({
    code: 'ServiceUnavailable',
    message: expect.stringContaining(`the simulated cloud ${endpoint} cannot be used`),
  })
})

it('stops waiting when the signal aborts, before or after the work is done', async () => {
  const { cloud, control } = await setUp()
  const interrupted = async (latency: Partial<Settings>, fault: Partial<Fault>) => {
    const aborter = new AbortController()
    await control.set(latency)
    await control.inject({ on: 'createInstance', delayMs: 3_600_000, ...fault })
    const creation = cloud.createInstance(requestFor(), { signal: aborter.signal })
    creation.catch(() => {})
    const expected = (await control.instances()).length + (fault.afterExecution ? 1 : 0)
    while ((await control.faults()).length > 0 || (await control.instances()).length < expected) {
      await new Promise(setImmediate)
    }
    aborter.abort(new Error('enough'))
    await expect(creation).rejects.toThrow('enough')
    return (await control.instances()).length
  }
  expect(await interrupted({}, {})).toBe(0)
  expect(await interrupted({}, { afterExecution: true })).toBe(1)
})
