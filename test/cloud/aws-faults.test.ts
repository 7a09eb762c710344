import { MachineError, waitFor } from '@mcm/sdk'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failureOf } from '../contract/testing/requests.ts'
import { pluginAndFake } from './testing/plugin-and-fake.ts'

let world: Awaited<ReturnType<typeof pluginAndFake>>
beforeEach(async () => {
  world = await pluginAndFake()
})
afterEach(async () => await world[Symbol.asyncDispose]())

const launches = () => world.fake.actions.filter((action) => action === 'RunInstances').length
const instances = () => world.fake.account.instances.length
const failure = (code: string, status: number, times = 1) => ({
  action: 'RunInstances',
  times,
  error: { code, status },
})

/** Repeats a call until the one before, which its caller has given up, has really ended. */
async function onceFree<T>(send: () => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(30_000)
  return await waitFor(
    () =>
      send().catch((error: unknown) => {
        if (MachineError.is(error) && error.code === 'Aborted') return undefined
        throw error
      }),
    { signal, what: 'the machine to be free', intervalMs: 20 },
  )
}

describe('when EC2 goes wrong, the AWS plugin', () => {
  it.each([
    ['is throttled', failure('RequestLimitExceeded', 503, 2)],
    ['gets HTTP 500 without a word', failure('', 500, 2)],
    ['loses the connection before the launch', { action: 'RunInstances', cut: 'before' as const }],
    ['loses the answer after the launch', { action: 'RunInstances', cut: 'after' as const }],
  ])('makes one VM though it %s', async (_, fault) => {
    world.fake.faults.add(fault)
    const made = await world.driver.createMachine(world.call('m-1'))
    expect(made.providerID).toBe('aws:///eu-west-1/i-00000000000000001')
    expect(instances()).toBe(1)
    expect(new Set(world.fake.journal.flatMap(({ params }) => params.ClientToken ?? [])).size).toBe(1)
  })

  it.each(['InsufficientInstanceCapacity', 'VcpuLimitExceeded', 'InsufficientFreeAddressesInSubnet'])(
    'C42: tells %s as ResourceExhausted, after a single request',
    async (code) => {
      world.fake.faults.add(failure(code, 500, 9))
      expect(await failureOf(world.driver.createMachine(world.call('m-1')))).toEqual({
        code: 'ResourceExhausted',
        source: 'cloud',
        retry: 'later',
        reason: code,
        message: `ec2 RunInstances: ${code}: injected (HTTP 500, request 00000000-0000-4000-8000-000000000003)`,
      })
      expect(launches()).toBe(1)
    },
  )

  it.each([
    ['RequestLimitExceeded', 503],
    ['Throttling', 400],
    ['InternalError', 500],
  ])('C43: tells %s as Unavailable, after three requests', async (code, status) => {
    world.fake.faults.add(failure(code, status, 9))
    expect((await failureOf(world.driver.createMachine(world.call('m-1')))).code).toBe('Unavailable')
    expect(launches()).toBe(3)
  })

  it('waits for a VM that is not shown at first, and for its DNS name', async () => {
    Object.assign(world.fake.account.behaviour, { hiddenFor: 1, namelessFor: 1 })
    const made = await world.driver.createMachine(world.call('m-1'))
    expect(made.nodeName).toBe('ip-10-250-0-5.eu-west-1.compute.internal')
  })

  it('C41: gets the same VM by its client token when the answer was lost, and the search does not show it yet', async () => {
    world.fake.faults.add({ action: 'RunInstances', delayMs: 60_000 })
    Object.assign(world.fake.account.behaviour, { hiddenFor: 1 })
    const short = { deadlineMs: Date.now() + 1_000 }
    expect((await failureOf(world.driver.createMachine(world.call('m-1'), short))).code).toBe('DeadlineExceeded')
    const made = await onceFree(() => world.driver.createMachine(world.call('m-1')))
    expect(made.providerID).toBe('aws:///eu-west-1/i-00000000000000001')
    expect({ launches: launches(), instances: instances() }).toEqual({ launches: 2, instances: 1 })
  })

  it('W1: adopts the VM of a lost answer, though the user data have changed meanwhile', async () => {
    world.fake.faults.add({ action: 'RunInstances', delayMs: 60_000 })
    const short = { deadlineMs: Date.now() + 1_000 }
    expect((await failureOf(world.driver.createMachine(world.call('m-1'), short))).code).toBe('DeadlineExceeded')
    const { secret, ...call } = world.call('m-1')
    const changed = { ...secret, stringData: { ...secret.stringData, userData: 'another bootstrap token' } }
    await onceFree(() => world.driver.createMachine({ ...call, secret: changed }))
    expect({ launches: launches(), instances: instances() }).toEqual({ launches: 1, instances: 1 })
  })

  it('W1: launches anew, with another token, after the VM of the first launch has ended', async () => {
    const first = await world.driver.createMachine(world.call('m-1'))
    await world.driver.deleteMachine(world.call('m-1', { providerID: first.providerID }))
    const second = await world.driver.createMachine(world.call('m-1'))
    await world.driver.deleteMachine(world.call('m-1', { providerID: second.providerID }))
    const third = await world.driver.createMachine(world.call('m-1'))
    expect([first, second, third].map(({ providerID }) => providerID.at(-1))).toEqual(['1', '2', '3'])
  })

  it('C22: gives up on a VM that is never shown before the deadline, and says so', async () => {
    Object.assign(world.fake.account.behaviour, { hiddenFor: 1_000 })
    const short = { deadlineMs: Date.now() + 2_500 }
    expect(await failureOf(world.driver.createMachine(world.call('m-1'), short))).toEqual({
      code: 'Internal',
      source: 'cloud',
      message:
        'creation of VM "aws:///eu-west-1/i-00000000000000001" failed, timed out waiting for eventual consistency. The next try looks for it by its tags',
    })
  })

  it('W12: ends with the call when it is cancelled while it waits', async () => {
    Object.assign(world.fake.account.behaviour, { hiddenFor: 1_000 })
    const controller = new AbortController()
    const call = world.driver.createMachine(world.call('m-1'), { signal: controller.signal })
    setTimeout(() => controller.abort(), 300).unref()
    expect((await failureOf(call)).code).toBe('Canceled')
  })

  it('I6 I11: tries every network interface, and tells all failures', async () => {
    const nic = { subnetID: 'subnet-0123456789abcdef0', securityGroupIDs: ['sg-1'] }
    const spec = { srcAndDstChecksEnabled: false, networkInterfaces: [nic, { ...nic, ipv6PrefixCount: 1 }] }
    const { providerID } = await world.driver.createMachine(world.call('m-1', { spec }))
    world.fake.faults.add(
      { action: 'ModifyNetworkInterfaceAttribute', error: { code: 'Denied', status: 400 } },
      { action: 'AssignIpv6Addresses', error: { code: 'Full', status: 400 } },
    )
    const failed = await failureOf(world.driver.initializeMachine(world.call('m-1', { providerID, spec })))
    expect(failed).toMatchObject({
      code: 'Uninitialized',
      providerID,
      message: expect.stringMatching(/Denied.*; .*Full/),
    })
    await world.driver.initializeMachine(world.call('m-1', { providerID, spec }))
    const [first, second] = world.fake.account.instances[0]?.nics ?? []
    expect([first?.SourceDestCheck, second?.SourceDestCheck, second?.Ipv6Prefixes?.length]).toEqual([false, false, 1])
  })

  it('L17: does not ask for ever when EC2 repeats a token', async () => {
    Object.assign(world.fake.account.behaviour, { pageSize: 1, repeatsToken: true })
    await world.driver.createMachine(world.call('m-1'))
    expect(await world.driver.listMachines(world.classCall())).toEqual({
      machineList: { 'aws:///eu-west-1/i-00000000000000001': 'm-1' },
    })
  })

  it('C40: trims a web identity token, and says what STS refuses', async () => {
    world.fake.faults.add({ action: 'AssumeRoleWithWebIdentity', error: { code: 'AccessDenied', status: 403 } })
    const data = { workloadIdentityTokenFile: new URL(import.meta.url).pathname, roleARN: 'arn:aws:iam::1:role/r' }
    expect(await failureOf(world.driver.createMachine(world.call('m-1', { data })))).toMatchObject({
      code: 'PermissionDenied',
      message:
        'sts AssumeRoleWithWebIdentity: AccessDenied: injected (HTTP 403, request 00000000-0000-4000-8000-000000000001)',
    })
  })
})
