import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readMetrics, valuesOf } from '../../host/src/testing/read-metrics.ts'
import { failureOf } from '../contract/testing/requests.ts'
import { pluginAndFake } from './testing/plugin-and-fake.ts'

let world: Awaited<ReturnType<typeof pluginAndFake>>
beforeEach(async () => {
  world = await pluginAndFake()
})
afterEach(async () => await world[Symbol.asyncDispose]())

const launched = () => world.fake.journal.find(({ action }) => action === 'RunInstances')?.params ?? {}
const reservation = 'CapacityReservationSpecification'
const annotated = (text: string) => ({ metadata: { annotations: { 'machine.sapcloud.io/awsPlacement': text } } })

// Rows of the test catalogue that no recorded conversation shows.
describe('CreateMachine', () => {
  it.each([
    ['C6', { spotPrice: '500' }, { 'InstanceMarketOptions.SpotOptions.MaxPrice': '500' }],
    [
      'C8',
      { capacityReservation: { capacityReservationPreference: 'open' } },
      { [`${reservation}.CapacityReservationPreference`]: 'open' },
    ],
    [
      'C9',
      { capacityReservation: { capacityReservationId: 'cr-1' } },
      { [`${reservation}.CapacityReservationTarget.CapacityReservationId`]: 'cr-1' },
    ],
    [
      'C19',
      { tags: { ...tagsWith('dummy') } },
      { 'TagSpecification.1.Tag.3.Key': 'Name', 'TagSpecification.1.Tag.3.Value': 'm-1' },
    ],
    ['W8', { ebsOptimized: true, monitoring: true }, { EbsOptimized: 'true', 'Monitoring.Enabled': 'true' }],
  ])('%s: sends what %j asks for', async (_, spec, params) => {
    await world.driver.createMachine(world.call('m-1', { spec }))
    expect(launched()).toMatchObject(params)
  })

  it.each([
    [
      'C17 P1',
      '{"affinity": "host", "availabilityZone": "eu-west-1b", "tenancy": "host"}',
      { Affinity: 'host', AvailabilityZone: 'eu-west-1b', Tenancy: 'host' },
    ],
    ['P2', '{"affinity": "host", "tenancy": "dedicated"}', { Affinity: 'host', Tenancy: 'dedicated' }],
    ['P4', '', {}],
    ['P5', '{}', {}],
    ['P6', '{"Affinity": "default", "Tenancy": "default"}', { Affinity: 'default', Tenancy: 'default' }],
    ['P7', '{"hostId": "h-1", "partitionNumber": 7}', { HostId: 'h-1', PartitionNumber: '7' }],
  ])('%s: takes the placement of the annotation %j', async (_, text, placement) => {
    const call = world.call('m-1')
    await world.driver.createMachine({ ...call, machine: { ...call.machine, spec: { nodeTemplate: annotated(text) } } })
    const sent = Object.entries(launched()).filter(([name]) => name.startsWith('Placement.'))
    expect(Object.fromEntries(sent.map(([name, value]) => [name.slice('Placement.'.length), value]))).toEqual(placement)
  })

  it('P3: takes no placement from other annotations', async () => {
    const call = world.call('m-1')
    const nodeTemplate = { metadata: { annotations: { 'machine.sapcloud.io/other': '{"tenancy": "host"}' } } }
    await world.driver.createMachine({ ...call, machine: { ...call.machine, spec: { nodeTemplate } } })
    expect(Object.keys(launched()).filter((name) => name.startsWith('Placement.'))).toEqual([])
  })

  it('C34: does not even read the annotation where the class has a placement', async () => {
    const call = world.call('m-1', { spec: { placement: {} } })
    await world.driver.createMachine({ ...call, machine: { ...call.machine, spec: { nodeTemplate: annotated('{') } } })
    expect(Object.keys(launched()).filter((name) => name.startsWith('Placement.'))).toEqual([])
  })

  it.each([
    ['C14', { spec: {}, data: { userData: '' } }, ['secretRef.userData: Required value: Mention userData']],
    [
      'C15',
      { spec: { ami: '', region: '' } },
      ['providerSpec.ami: Required value: AMI is required', 'providerSpec.region: Required value: Region is required'],
    ],
  ])('%s: refuses with all violations', async (_, parts, violations) => {
    const call = world.call('m-1', parts)
    const keys = { providerAccessKeyId: 'a', providerSecretAccessKey: 'b' }
    const secret = { stringData: { ...keys, userData: 'x', ...('data' in parts ? parts.data : {}) } }
    const failed = await failureOf(world.driver.createMachine({ ...call, secret }))
    expect(failed).toMatchObject({ code: 'InvalidArgument' })
    const found = failed.violations as { path: string; message: string }[]
    expect(found.map(({ path, message }) => `${path}: ${message}`)).toEqual(violations)
    expect(world.fake.actions).toEqual([])
  })

  it.each([
    ['C18', 'DescribeImages', 'Odd', 'Internal'],
    ['C20', 'RunInstances', 'Odd', 'Internal'],
    ['C21', 'RunInstances', 'InsufficientCapacity', 'ResourceExhausted'],
    ['C18', 'DescribeImages', 'InsufficientCapacity', 'ResourceExhausted'],
  ])('%s: tells a failure of %s with %s as %s', async (_, action, code, machineCode) => {
    world.fake.faults.add({ action, error: { code, status: 400 } })
    const failed = await failureOf(world.driver.createMachine(world.call('m-1')))
    expect(failed).toMatchObject({ code: machineCode, reason: code, message: expect.stringContaining('injected') })
  })

  it('C23: tells an image that is not there', async () => {
    world.fake.account.images.clear()
    expect((await failureOf(world.driver.createMachine(world.call('m-1')))).reason).toBe('InvalidAMIID.NotFound')
  })

  it('C27: takes the node name that is known at last', async () => {
    Object.assign(world.fake.account.behaviour, { namelessFor: 2 })
    const { nodeName } = await world.driver.createMachine(world.call('m-1'))
    expect(nodeName).toBe('ip-10-250-0-5.eu-west-1.compute.internal')
  })
})

it('asks EC2 as often for each of 200 machines as for one', async () => {
  const names = Array.from({ length: 200 }, (_, i) => `m-${i}`)
  const requests = async (run: () => Promise<unknown>) => {
    world.fake.journal.length = 0
    await run()
    return world.fake.journal.length
  }
  const ids = new Map<string, string>()
  const create = async (name: string) => {
    ids.set(name, (await world.driver.createMachine(world.call(name))).providerID)
  }
  const remove = async (name: string) => {
    await world.driver.deleteMachine(world.call(name, { providerID: ids.get(name) ?? '' }))
  }
  expect(await requests(() => Promise.all(names.map(create)))).toBe(200 * 4)
  expect(await requests(() => world.driver.listMachines(world.classCall()))).toBe(1)
  expect(await requests(() => Promise.all(names.map(remove)))).toBe(200 * 2)
  expect(await world.driver.listMachines(world.classCall())).toEqual({ machineList: {} })
})

describe('the other methods', () => {
  it('I3: InitializeMachine without a VM wraps the NotFound', async () => {
    expect(await failureOf(world.driver.initializeMachine(world.call('m-1')))).toMatchObject({
      code: 'Uninitialized',
      message: 'machine codes error: code = [NotFound] message = [No ProviderID found on the machine]',
    })
  })

  it('W6: InitializeMachine sets up none of two VMs', async () => {
    await world.driver.createMachine(world.call('m-1'))
    await world.driver.createMachine(world.call('m-2'))
    for (const { tags } of world.fake.account.instances) {
      for (const tag of tags) if (tag.Key === 'Name') tag.Value = 'm-1'
    }
    const spec = { srcAndDstChecksEnabled: false }
    expect((await failureOf(world.driver.initializeMachine(world.call('m-1', { spec })))).code).toBe('OutOfRange')
    expect(world.fake.actions).not.toContain('ModifyNetworkInterfaceAttribute')
  })

  it('I10: InitializeMachine assigns no prefix where there is one', async () => {
    const nic = { subnetID: 'subnet-0123456789abcdef0', securityGroupIDs: ['sg-1'], ipv6PrefixCount: 1 }
    const spec = { networkInterfaces: [nic] }
    await world.driver.createMachine(world.call('m-1', { spec }))
    expect((await failureOf(world.driver.getMachineStatus(world.call('m-1', { spec })))).code).toBe('Uninitialized')
    await world.driver.initializeMachine(world.call('m-1', { spec }))
    await world.driver.initializeMachine(world.call('m-1', { spec }))
    expect(world.fake.actions.filter((action) => action === 'AssignIpv6Addresses')).toHaveLength(1)
    expect(await world.driver.getMachineStatus(world.call('m-1', { spec }))).toMatchObject({
      nodeName: expect.stringMatching(/^ip-/),
    })
  })

  it('D7: DeleteMachine without a VM is done', async () => {
    expect(await world.driver.deleteMachine(world.call('m-1'))).toEqual({})
    expect(world.fake.actions).toEqual(['DescribeInstances'])
  })

  it('D6: DeleteMachine of an unknown VM leaves the others alone', async () => {
    await world.driver.createMachine(world.call('m-1'))
    await world.driver.deleteMachine(world.call('m-2', { providerID: 'aws:///eu-west-1/i-0000000000000dead' }))
    expect(world.fake.account.instances.map(({ state }) => state)).toEqual(['running'])
  })

  it('D11: DeleteMachine refuses a providerID that is none', async () => {
    expect(await failureOf(world.driver.deleteMachine(world.call('m-1', { providerID: 'abc' })))).toMatchObject({
      code: 'InvalidArgument',
      message: 'unable to decode provider-ID',
    })
  })

  it('D12: DeleteMachine tells that it may not', async () => {
    const { providerID } = await world.driver.createMachine(world.call('m-1'))
    world.fake.faults.add({ action: 'TerminateInstances', error: { code: 'UnauthorizedOperation', status: 403 } })
    expect((await failureOf(world.driver.deleteMachine(world.call('m-1', { providerID })))).code).toBe(
      'PermissionDenied',
    )
  })

  const withoutKeys: [string, Record<string, string>, string][] = [
    ['access key', { providerSecretAccessKey: 'b', userData: 'x' }, 'secretRef.AWSAccessKeyID'],
    ['secret key', { providerAccessKeyId: 'a', userData: 'x' }, 'secretRef.AWSSecretAccessKey'],
    ['user data', { providerAccessKeyId: 'a', providerSecretAccessKey: 'b' }, 'secretRef.userData'],
  ]
  it.each([
    ['D3', 'deleteMachine', 0],
    ['G3', 'getMachineStatus', 0],
    ['G4', 'getMachineStatus', 1],
    ['G5', 'getMachineStatus', 2],
    ['L6', 'listMachines', 0],
    ['L7', 'listMachines', 1],
    ['L8', 'listMachines', 2],
  ] as const)('%s: %s refuses a Secret that lacks key %i', async (_, method, which) => {
    const [, stringData, path] = withoutKeys[which] ?? ['', {}, '']
    const call = { ...world.call('m-1'), secret: { stringData } }
    const failed = await failureOf(world.driver[method](call))
    expect(failed).toMatchObject({ code: 'InvalidArgument', violations: [{ path }] })
  })

  it('S8: a call without any Secret is refused with all keys that are missing', async () => {
    const { machine, machineClass } = world.call('m-1')
    const failed = await failureOf(world.driver.createMachine({ machine, machineClass }))
    expect(failed).toMatchObject({
      code: 'InvalidArgument',
      violations: [
        { path: 'secretRef.AWSAccessKeyID' },
        { path: 'secretRef.AWSSecretAccessKey' },
        { path: 'secretRef.userData' },
      ],
    })
  })

  it('D4: tells both keys that are missing', async () => {
    const failed = await failureOf(world.driver.deleteMachine({ ...world.call('m-1'), secret: {} }))
    expect(failed).toMatchObject({
      violations: [{ path: 'secretRef.AWSAccessKeyID' }, { path: 'secretRef.AWSSecretAccessKey' }],
    })
  })

  it('D14: a class that has become invalid since, and lost its user data, blocks no deletion', async () => {
    const { providerID } = await world.driver.createMachine(world.call('m-1'))
    const call = world.call('m-1', { providerID, spec: { machineType: '', networkInterfaces: [] } })
    const stringData = { providerAccessKeyId: 'a', providerSecretAccessKey: 'b' }
    const metadata = { ...call.machine.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' }
    const going = { ...call, machine: { ...call.machine, metadata }, secret: { stringData } }
    expect((await failureOf(world.driver.getMachineStatus({ ...going, machine: call.machine }))).code).toBe(
      'InvalidArgument',
    )
    expect((await world.driver.getMachineStatus(going)).providerID).toBe(providerID)
    await world.driver.deleteMachine(going)
    expect(world.fake.account.instances.map(({ state }) => state)).toEqual(['shutting-down'])
  })

  it.each([
    ['W7', 'initializeMachine'],
    ['D2', 'deleteMachine'],
    ['G2', 'getMachineStatus'],
    ['L4', 'listMachines'],
  ] as const)('%s: %s of another provider does not get here', async (_, method) => {
    const call = world.call('m-1')
    const other = { ...call, machineClass: { ...call.machineClass, provider: 'azure' } }
    expect((await failureOf(world.driver[method](other))).code).toBe('InvalidArgument')
    expect(world.fake.actions).toEqual([])
  })

  it('G6: GetMachineStatus finds a VM without its providerID', async () => {
    const made = await world.driver.createMachine(world.call('m-1'))
    expect(await world.driver.getMachineStatus(world.call('m-1'))).toEqual(made)
  })

  it('GetMachineStatus tells a VM without a DNS name to come again, but for a Machine that is to go', async () => {
    await world.driver.createMachine(world.call('m-1'))
    for (const instance of world.fake.account.instances) instance.namelessFor = 100
    const call = world.call('m-1')
    expect((await failureOf(world.driver.getMachineStatus(call))).code).toBe('Unavailable')
    const metadata = { ...call.machine.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' }
    const going = { ...call, machine: { ...call.machine, metadata } }
    expect((await world.driver.getMachineStatus(going)).nodeName).toBe('i-00000000000000001')
  })

  it('GetMachineStatus takes one VM on two pages for one', async () => {
    const made = await world.driver.createMachine(world.call('m-1'))
    Object.assign(world.fake.account.behaviour, { repeatsToken: true })
    expect(await world.driver.getMachineStatus(world.call('m-1'))).toEqual(made)
  })

  it('L2 L14: ListMachines reads five VMs over pages of two, and none of another cluster', async () => {
    for (const name of ['m-1', 'm-2', 'm-3', 'm-4', 'm-5']) await world.driver.createMachine(world.call(name))
    const spec = { tags: { 'kubernetes.io/cluster/another': '1', 'kubernetes.io/role/node': '1' } }
    await world.driver.createMachine(world.call('m-6', { spec }))
    world.fake.journal.length = 0
    Object.assign(world.fake.account.behaviour, { pageSize: 2 })
    const { machineList } = await world.driver.listMachines(world.classCall())
    expect(Object.values(machineList)).toEqual(['m-1', 'm-2', 'm-3', 'm-4', 'm-5'])
    expect(world.fake.actions).toHaveLength(3)
  })

  it('L3: ListMachines of nothing is empty', async () => {
    Object.assign(world.fake.account.behaviour, { pageSize: 2 })
    expect(await world.driver.listMachines(world.classCall())).toEqual({ machineList: {} })
  })

  it('L5 L9: ListMachines refuses an empty spec with all that is missing', async () => {
    const machineClass = { ...world.call('m-1').machineClass, providerSpec: {} }
    const failed = await failureOf(world.driver.listMachines({ ...world.classCall(), machineClass }))
    expect(failed).toMatchObject({
      code: 'InvalidArgument',
      violations: [{ path: 'providerSpec.ami' }, ...Array(6).fill({})],
    })
  })
})

describe('metrics', () => {
  const counts = async () => {
    const families = readMetrics(await world.metrics.scrape())
    const of = (name: string) =>
      Object.fromEntries(
        Object.entries(valuesOf(families, name)).map(([labels, n]) => [/service="([^"]*)"/.exec(labels)?.[1], n]),
      )
    return { succeeded: of('mcm_cloud_api_requests_total'), failed: of('mcm_cloud_api_requests_failed_total') }
  }

  it('E3 W21: count each request under the name that upstream has for it', async () => {
    const spec = { srcAndDstChecksEnabled: false }
    const { providerID } = await world.driver.createMachine(world.call('m-1', { spec }))
    await world.driver.initializeMachine(world.call('m-1', { spec }))
    await world.driver.listMachines(world.classCall())
    await world.driver.deleteMachine(world.call('m-1', { providerID }))
    expect(await counts()).toEqual({
      succeeded: {
        image_get: 1,
        instance_create: 1,
        instance_get_by_id: 2,
        instance_get_by_tag_and_status: 2,
        instance_disable_source_dest_check: 1,
        instance_list: 1,
        instance_terminate: 1,
      },
      failed: {},
    })
  })

  it('E4: count a failure as a failure only', async () => {
    world.fake.faults.add({ action: 'DescribeInstances', error: { code: 'Odd', status: 400 } })
    await failureOf(world.driver.listMachines(world.classCall()))
    expect(await counts()).toEqual({ succeeded: {}, failed: { instance_list: 1 } })
  })
})

function tagsWith(name: string) {
  return { 'kubernetes.io/cluster/shoot--demo--one': '1', 'kubernetes.io/role/node': '1', Name: name }
}
