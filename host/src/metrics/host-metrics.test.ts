import { MachineError } from '@mcm/sdk'
import { type DriverMethod, driverMethods } from '@mcm/sdk/contract'
import { describe, expect, it } from 'vitest'
import { errorOf, inlineRouter, pluginOf } from '../testing/inline-host.ts'
import { readMetrics, valuesOf } from '../testing/read-metrics.ts'
import { hostMetrics, upstreamMetrics } from './definitions.ts'
import { HostMetrics } from './host-metrics.ts'
import type { PluginFigures } from './plugin-figures.ts'

const machine = { metadata: { name: 'm', namespace: 'ns' }, spec: {} }
const request = (provider: string) => ({
  machine,
  machineClass: { metadata: { name: 'c', namespace: 'ns' }, provider },
})
const read = async (metrics: HostMetrics) => readMetrics(await metrics.scrape())

describe("upstream's metrics", () => {
  // Names and labels as upstream registers them.
  const upstream = {
    mcm_cloud_api_requests_total: ['counter', 'provider', 'service'],
    mcm_cloud_api_requests_failed_total: ['counter', 'provider', 'service'],
    mcm_cloud_api_api_request_duration_seconds: ['histogram', 'provider', 'service'],
    mcm_cloud_api_driver_request_duration_seconds: ['histogram', 'provider', 'operation'],
    mcm_cloud_api_driver_requests_failed_total: ['counter', 'provider', 'operation', 'error_code'],
  }
  // The default buckets of Prometheus' Go client.
  const buckets = ['0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '10', '+Inf']

  it('have its names, types, labels and buckets, and there are no others of its prefix', async () => {
    const metrics = new HostMetrics(() => [])
    metrics.cloudRequested('A', { service: 's', ms: 1, isFailure: false })
    metrics.cloudRequested('A', { service: 's', ms: 1, isFailure: true })
    metrics.driverAsked('createMachine', 'A')()
    metrics.driverAsked('createMachine', 'A')(new MachineError('Internal', 'x'))
    const families = await read(metrics)
    const served = Object.entries(families).filter(([name]) => name.startsWith('mcm_cloud_api_'))
    const labelsOf = (series: string[]) => {
      const names = series.flatMap((one) => [...one.matchAll(/(\w+)="/g)].map(([, name]) => name))
      return [...new Set(names)].filter((name) => name !== 'le')
    }
    expect(
      Object.fromEntries(
        served.map(([name, { type, values }]) => [name, [type, ...labelsOf(Object.keys(values)).sort()]]),
      ),
    ).toEqual(
      Object.fromEntries(Object.entries(upstream).map(([name, [type, ...labels]]) => [name, [type, ...labels.sort()]])),
    )
    for (const [name, [type]] of Object.entries(upstream)) {
      if (type !== 'histogram') continue
      const bounds = Object.keys(families[name]?.values ?? {}).flatMap((one) => /le="([^"]+)"/.exec(one)?.[1] ?? [])
      expect(bounds).toEqual(buckets)
    }
  })

  it.each<[DriverMethod, string | undefined]>([
    ['createMachine', 'create_machine'],
    ['initializeMachine', 'initialize_machine'],
    ['deleteMachine', 'delete_machine'],
    ['getMachineStatus', 'get_machine_status'],
    ['listMachines', 'list_machine'],
    ['getVolumeIDs', 'get_volume_ids'],
    ['validateMachineClass', undefined],
    ['generateMachineClassForMigration', undefined],
  ])('call the operation of %s %s', async (method, operation) => {
    const metrics = new HostMetrics(() => [])
    metrics.driverAsked(method, 'A')()
    metrics.driverAsked(method, 'A')(new MachineError('Uninitialized', 'x'))
    const families = await read(metrics)
    const { values = {} } = families[upstreamMetrics.driverSeconds.name] ?? {}
    const labels = `provider="A",operation="${operation}"`
    // A failure counts as one, and has no duration.
    expect(values[`${upstreamMetrics.driverSeconds.name}_count{${labels}}`]).toBe(operation && 1)
    expect(valuesOf(families, upstreamMetrics.driverFailures.name)).toEqual(
      operation ? { [`${labels},error_code="17"`]: 1 } : {},
    )
  })

  it('are of each driver that is asked for volumes, when no class says whose they are', async () => {
    const { driver, metrics } = inlineRouter([
      pluginOf('A', { getVolumeIDs: async () => ({ volumeIDs: ['v'] }) }),
      pluginOf('B', { getVolumeIDs: async () => Promise.reject(new Error('oops')) }),
      pluginOf('C'),
    ])
    await driver.getVolumeIDs({ pvSpecs: [{}] })
    const families = await read(metrics)
    const { values = {} } = families[upstreamMetrics.driverSeconds.name] ?? {}
    const counts = Object.entries(values).filter(([series]) => series.includes('_count{'))
    expect(counts).toEqual([
      ['mcm_cloud_api_driver_request_duration_seconds_count{provider="A",operation="get_volume_ids"}', 1],
    ])
    const failures = valuesOf(families, upstreamMetrics.driverFailures.name)
    expect(failures['provider="B",operation="get_volume_ids",error_code="13"']).toBe(1)
    expect(valuesOf(families, hostMetrics.calls.name)).toEqual({
      'provider="",method="GetVolumeIDs",code="OK",source=""': 1,
    })
  })
})

describe('calls', () => {
  it('are counted by how they ended, under the own name of their provider', async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>()
    const { driver, metrics } = inlineRouter([
      pluginOf('A', {
        aliases: ['alias'],
        createMachine: async () => {
          arrive()
          await gate
          return { providerID: 'x:///1', nodeName: 'n' }
        },
        getMachineStatus: async () => Promise.reject(new MachineError('NotFound', 'no VM')),
      }),
    ])
    const creation = driver.createMachine(request('alias'))
    await arrived
    expect(valuesOf(await read(metrics), hostMetrics.callsInFlight.name)).toEqual({
      'provider="A",method="CreateMachine"': 1,
    })
    open()
    await creation
    for (const provider of ['A', 'alias']) await errorOf(driver.getMachineStatus(request(provider)))
    const families = await read(metrics)
    expect(valuesOf(families, hostMetrics.calls.name)).toEqual({
      'provider="A",method="CreateMachine",code="OK",source=""': 1,
      'provider="A",method="GetMachineStatus",code="NotFound",source="cloud"': 2,
    })
    expect(valuesOf(families, hostMetrics.callsInFlight.name)).toEqual({
      'provider="A",method="CreateMachine"': 0,
      'provider="A",method="GetMachineStatus"': 0,
    })
    const { values = {} } = families[hostMetrics.callSeconds.name] ?? {}
    expect(values[`${hostMetrics.callSeconds.name}_count{provider="A",method="GetMachineStatus"}`]).toBe(2)
  })

  it('for providers that nobody serves are one series, whatever their names', async () => {
    const { driver, metrics } = inlineRouter([pluginOf('A')])
    for (const provider of [
      '',
      'B',
      'a',
      '__proto__',
      'x"}\ny',
      'x'.repeat(10_000),
      ...Array.from({ length: 100 }, (_, i) => `p${i}`),
    ]) {
      await errorOf(driver.createMachine(request(provider)))
    }
    expect(valuesOf(await read(metrics), hostMetrics.calls.name)).toEqual({
      'provider="",method="CreateMachine",code="InvalidArgument",source="host"': 1,
      'provider="unknown",method="CreateMachine",code="InvalidArgument",source="host"': 105,
    })
  })
})

describe('requests to the cloud', () => {
  it('are reported by the call, and answer and fail as they do', async () => {
    const failure = new MachineError('Unavailable', 'away')
    const { driver, metrics } = inlineRouter([
      pluginOf('A', {
        createMachine: async (_, { cloudRequest }) => {
          const id = await cloudRequest('vm.create', () => 'x:///1')
          await cloudRequest('vm.get', () => Promise.reject(failure)).catch((error) => expect(error).toBe(failure))
          await cloudRequest('vm.get', () => {
            throw failure
          }).catch((error) => expect(error).toBe(failure))
          return { providerID: id, nodeName: 'n' }
        },
      }),
    ])
    expect((await driver.createMachine(request('A'))).providerID).toBe('x:///1')
    const families = await read(metrics)
    expect(valuesOf(families, upstreamMetrics.cloudRequests.name)).toEqual({ 'provider="A",service="vm.create"': 1 })
    expect(valuesOf(families, upstreamMetrics.cloudFailures.name)).toEqual({ 'provider="A",service="vm.get"': 2 })
  })

  it('have no more than 200 services for each provider', async () => {
    const metrics = new HostMetrics(() => [])
    for (const provider of ['A', 'B']) {
      for (let i = 0; i < 1000; i++) {
        metrics.cloudRequested(provider, { service: `s${i}`, ms: 1, isFailure: i % 2 === 0 })
      }
    }
    const families = await read(metrics)
    const services = [upstreamMetrics.cloudRequests.name, upstreamMetrics.cloudFailures.name].flatMap((name) =>
      Object.keys(valuesOf(families, name)).filter((labels) => labels.startsWith('provider="A"')),
    )
    expect(new Set(services).size).toBe(201)
    expect(valuesOf(families, upstreamMetrics.cloudRequests.name)['provider="B",service="other"']).toBe(400)
  })
})

describe('plugins', () => {
  const base: PluginFigures = {
    plugin: '@acme/mcm',
    version: '1.0.0',
    provider: 'Acme',
    state: 'ready',
    reason: '',
    restarts: 2,
    runningCalls: 4,
    queuedCalls: 3,
    openCircuits: 1,
    memoryBytes: 1024,
  }

  it('are as they are at the scrape', async () => {
    let figures: PluginFigures[] = [base]
    const metrics = new HostMetrics(() => figures)
    const labels = 'provider="Acme",plugin="@acme/mcm",version="1.0.0"'
    const values = async () => {
      const families = await read(metrics)
      const names = ['pluginRestarts', 'pluginRunning', 'pluginQueue', 'pluginCircuits', 'pluginMemory'] as const
      const states = Object.entries(valuesOf(families, hostMetrics.pluginState.name))
      return {
        states: states.filter(([, value]) => value === 1).map(([key]) => key),
        others: states.filter(([, value]) => value === 0).length,
        ...Object.fromEntries(names.map((name) => [name, valuesOf(families, hostMetrics[name].name)])),
      }
    }
    expect(await values()).toEqual({
      states: [`${labels},state="ready"`],
      others: 4,
      pluginRestarts: { [labels]: 2 },
      pluginMemory: { [labels]: 1024 },
      pluginRunning: { [labels]: 4 },
      pluginQueue: { [labels]: 3 },
      pluginCircuits: { [labels]: 1 },
    })
    figures = [{ ...base, version: '2.0.0', state: 'failed', restarts: 0, memoryBytes: undefined }]
    const newLabels = labels.replace('1.0.0', '2.0.0')
    expect(await values()).toEqual({
      states: [`${newLabels},state="failed"`],
      others: 4,
      pluginRestarts: { [newLabels]: 0 },
      pluginRunning: { [newLabels]: 4 },
      pluginQueue: { [newLabels]: 3 },
      pluginCircuits: { [newLabels]: 1 },
      pluginMemory: {},
    })
  })
})

it('has every method of the contract in its labels, and the process of the host', async () => {
  const metrics = new HostMetrics(() => [])
  for (const method of driverMethods) metrics.callBegun(method, 'A')()
  const families = await read(metrics)
  expect(Object.keys(valuesOf(families, hostMetrics.calls.name))).toHaveLength(driverMethods.length)
  const names = ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_eventloop_lag_p99_seconds']
  expect(names.filter((name) => !families[name])).toEqual([])
  const defined = Object.values({ ...hostMetrics, ...upstreamMetrics }).map(({ name }) => name)
  expect(defined.filter((name) => !families[name])).toEqual([])
  expect(defined.filter((name) => !/^mcm_[a-z_]+$/.test(name))).toEqual([])
})
