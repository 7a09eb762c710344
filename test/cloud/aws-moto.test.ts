import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DescribeInstancesCommand, DescribeVolumesCommand, RunInstancesCommand } from '@aws-sdk/client-ec2'
import type { ConnectedDriver } from '@mcm/sdk/client'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { builtFile } from '../contract/testing/built-program.ts'
import { type HostProcess, startHost } from '../contract/testing/host-process.ts'
import { failureOf } from '../contract/testing/requests.ts'
import { type Account, awsClass, machine, secret, tags } from './testing/aws-requests.ts'
import { endpointGrant } from './testing/grants.ts'
import { Moto } from './testing/moto.ts'
import { ec2Client, motoAccount } from './testing/moto-account.ts'
import { Tap } from './testing/tap.ts'

let moto: Moto
let tap: Tap
let host: HostProcess
let driver: ConnectedDriver
let account: Account
let client: ReturnType<typeof ec2Client>

beforeAll(async () => {
  moto = await Moto.start({ signal: AbortSignal.timeout(600_000), confirm: async () => true, log: console.log })
  tap = await Tap.start(moto.url)
  process.env.AWS_ENDPOINT_URL_EC2 = tap.url
  process.env.AWS_ENDPOINT_URL_STS = tap.url
  client = ec2Client(moto.url)
  await start()
})
afterAll(async () => {
  client?.destroy()
  await driver?.[Symbol.asyncDispose]()
  await host?.[Symbol.asyncDispose]()
  await tap?.[Symbol.asyncDispose]()
  await moto?.[Symbol.asyncDispose]()
})
beforeEach(async () => {
  await moto.reset()
  account = await motoAccount(moto.url)
  tap.actions.length = 0
})

async function start(): Promise<void> {
  host = await startHost({ plugins: [builtFile('plugins/aws')], config: endpointGrant })
  driver = host.connect()
}

const call = (name: string, providerID?: string, changes = {}) => ({
  machine: machine(name, providerID),
  machineClass: awsClass(account, changes),
  secret: secret(),
})
const classCall = (changes = {}) => ({ machineClass: awsClass(account, changes), secret: secret() })

/** What there is, by another client than the plugin's. */
async function liveInstances() {
  const Filters = [{ Name: 'instance-state-name', Values: ['pending', 'running'] }]
  const { Reservations = [] } = await client.send(new DescribeInstancesCommand({ Filters, MaxResults: 1000 }))
  return Reservations.flatMap(({ Instances = [] }) => Instances)
}

async function launchByOthers(count: number, tagSet: Record<string, string>): Promise<void> {
  const Tags = Object.entries(tagSet).map(([Key, Value]) => ({ Key, Value }))
  const TagSpecifications = [{ ResourceType: 'instance' as const, Tags }]
  const what = { ImageId: account.ami, InstanceType: 't3.micro' as const, SubnetId: account.subnet, TagSpecifications }
  await client.send(new RunInstancesCommand({ ...what, MinCount: count, MaxCount: count }))
}

describe('the AWS plugin and moto, an EC2 that we did not write', () => {
  it('makes, finds, sets up, lists and removes a VM', async () => {
    const spec = { srcAndDstChecksEnabled: false }
    const made = await driver.createMachine(call('m-1', undefined, spec))
    expect(made).toEqual({
      providerID: expect.stringMatching(/^aws:\/\/\/eu-west-1\/i-[0-9a-f]{17}$/),
      nodeName: expect.stringMatching(/^ip-[\d-]+\.eu-west-1\.compute\.internal$/),
      addresses: expect.arrayContaining([{ type: 'InternalDNS', address: made.nodeName }]),
    })
    const [instance, ...others] = await liveInstances()
    expect(others).toEqual([])
    const allTags = [...Object.entries(tags), ['Name', 'm-1']].map(([Key, Value]) => ({ Key, Value }))
    expect(instance?.Tags).toEqual(expect.arrayContaining(allTags))
    const { Volumes = [] } = await client.send(new DescribeVolumesCommand({}))
    expect(Volumes.map(({ Size, Tags }) => ({ Size, Tags }))).toEqual([
      { Size: 50, Tags: expect.arrayContaining(allTags) },
    ])

    expect(await failureOf(driver.getMachineStatus(call('m-1', undefined, spec)))).toMatchObject({
      code: 'Uninitialized',
      providerID: made.providerID,
      nodeName: made.nodeName,
    })
    await driver.initializeMachine(call('m-1', made.providerID, spec))
    expect(await driver.getMachineStatus(call('m-1', made.providerID, spec))).toEqual(made)
    expect(await driver.listMachines(classCall())).toEqual({ machineList: { [made.providerID]: 'm-1' } })

    expect(await driver.deleteMachine(call('m-1', made.providerID))).toEqual({})
    expect(await liveInstances()).toEqual([])
    expect(await driver.listMachines(classCall())).toEqual({ machineList: {} })
    expect((await failureOf(driver.getMachineStatus(call('m-1', made.providerID)))).code).toBe('NotFound')
    // Again, now that it is gone.
    expect(await driver.deleteMachine(call('m-1', made.providerID))).toEqual({})
  })

  it('adopts the VM that is there when it is called again', async () => {
    const made = await driver.createMachine(call('m-1'))
    expect(await driver.createMachine(call('m-1'))).toEqual(made)
    expect(await liveInstances()).toHaveLength(1)
  })

  it('lists 250 VMs page by page, and no others', async () => {
    // moto counts launches, not instances, and ends a page after a hundred. Of launches at once, some fail in it.
    for (let n = 0; n < 250; n++) await launchByOthers(1, { ...tags, Name: 'm' })
    await launchByOthers(2, { 'kubernetes.io/role/node': '1', 'kubernetes.io/cluster/another': '1', Name: 'other' })
    await launchByOthers(2, { 'kubernetes.io/cluster/shoot--demo--one': '1', Name: 'no-role' })
    const { machineList } = await driver.listMachines(classCall())
    expect(Object.keys(machineList)).toHaveLength(250)
    expect(new Set(Object.values(machineList))).toEqual(new Set(['m']))
    expect(tap.actions).toEqual(['DescribeInstances', 'DescribeInstances', 'DescribeInstances'])
  })

  it('makes 20 VMs at once', async () => {
    const names = Array.from({ length: 20 }, (_, i) => `m-${i}`)
    const made = await Promise.all(names.map((name) => driver.createMachine(call(name))))
    expect(new Set(made.map(({ providerID }) => providerID)).size).toBe(20)
    // How many requests each takes is counted against the fake: what fails in moto is asked for again.
    expect(await liveInstances()).toHaveLength(20)
    const expected = Object.fromEntries(made.map(({ providerID }, i) => [providerID, names[i]]))
    expect(await driver.listMachines(classCall())).toEqual({ machineList: expected })
    await Promise.all(names.map((name) => driver.deleteMachine(call(name))))
    expect(await liveInstances()).toEqual([])
  })

  it('finds a VM by its tags, all of several, and never one of another cluster', async () => {
    await launchByOthers(2, { ...tags, Name: 'twin' })
    await launchByOthers(1, { 'kubernetes.io/cluster/another': '1', 'kubernetes.io/role/node': '1', Name: 'twin' })
    expect((await failureOf(driver.getMachineStatus(call('twin')))).code).toBe('OutOfRange')
    expect((await failureOf(driver.createMachine(call('twin')))).code).toBe('OutOfRange')
    await driver.deleteMachine(call('twin'))
    const [left, ...others] = await liveInstances()
    expect(others).toEqual([])
    expect(await failureOf(driver.deleteMachine(call('twin', `aws:///eu-west-1/${left?.InstanceId}`)))).toMatchObject({
      code: 'FailedPrecondition',
    })
    expect(await liveInstances()).toHaveLength(1)
  })

  it.each([
    ['an unknown image', { ami: 'ami-0123456789abcdef0' }, 'InvalidArgument', 'InvalidAMIID.NotFound'],
    ['an image id that is none', { ami: 'image-1' }, 'InvalidArgument', 'InvalidAMIID.Malformed'],
    [
      'an unknown subnet',
      { networkInterfaces: [{ subnetID: 'subnet-0123456789abcdef0', securityGroupIDs: ['sg-1'] }] },
      'InvalidArgument',
      'InvalidSubnetID.NotFound',
    ],
    ['an unknown instance type', { machineType: 'm5.tiny' }, 'InvalidArgument', 'InvalidInstanceType.NotFound'],
  ])('tells %s', async (_, changes, code, reason) => {
    expect(await failureOf(driver.createMachine(call('m-1', undefined, changes)))).toMatchObject({
      code,
      source: 'cloud',
      reason,
      message: expect.stringContaining(reason),
    })
    expect(await liveInstances()).toEqual([])
  })

  it('C40 W13: logs in with a web identity, once for many calls', async () => {
    // The plugin may read its own package.
    const folder = await mkdtemp(join(builtFile('plugins/aws/dist'), 'token-'))
    onTestFinished(async () => await rm(folder, { recursive: true }))
    const workloadIdentityTokenFile = join(folder, 'token')
    await writeFile(workloadIdentityTokenFile, 'a.web.token\n')
    const webSecret = secret({ workloadIdentityTokenFile, roleARN: 'arn:aws:iam::123456789012:role/machines' })
    const made = await driver.createMachine({ ...call('m-1'), secret: webSecret })
    expect(await driver.getMachineStatus({ ...call('m-1'), secret: webSecret })).toEqual(made)
    expect(tap.actions.filter((action) => action === 'AssumeRoleWithWebIdentity')).toHaveLength(1)
  })

  it('makes no second VM when the host is killed after the launch, and the call is repeated', async () => {
    const executed = tap.holdNext('RunInstances')
    const lost = driver.createMachine(call('m-1')).catch(() => 'lost')
    await executed
    host.process.kill('SIGKILL')
    expect(await lost).toBe('lost')
    await driver[Symbol.asyncDispose]()
    await host[Symbol.asyncDispose]()
    await start()
    const made = await driver.createMachine(call('m-1'))
    expect((await liveInstances()).map(({ InstanceId }) => `aws:///eu-west-1/${InstanceId}`)).toEqual([made.providerID])
  })
})
