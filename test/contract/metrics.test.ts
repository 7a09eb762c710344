import { request as httpRequest } from 'node:http'
import { connectDriver } from '@mcm/sdk/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type MetricFamily, readMetrics, valuesOf } from '../../host/src/testing/read-metrics.ts'
import { fixture } from './testing/built-program.ts'
import { type HostProcess, startHost } from './testing/host-process.ts'
import { failureOf, machineClass, request } from './testing/requests.ts'

let host: HostProcess
let url: string

beforeAll(async () => {
  host = await startHost({
    plugins: ['good', 'counting', 'crashing-at-load', 'entryless'].map(fixture),
    config: { http: { listen: ['127.0.0.1:0'], probes: ['127.0.0.1:0'] }, insecure: true },
  })
  url = host.probes[0] ?? ''
  await endOf('crashing-at-load', host)
})

afterAll(async () => await host?.[Symbol.asyncDispose]())

/** A busy machine can take longer to start a plugin than the host waits for. */
const endOf = async (name: string, { log }: HostProcess) =>
  await log.first(({ msg, plugin }) => msg === 'plugin ended by itself' && plugin === `@mcm-fixture/${name}`)

async function get(path: string, base = url) {
  const answer = await fetch(base + path)
  return { status: answer.status, type: answer.headers.get('content-type'), body: await answer.text() }
}

async function scrape(base = url): Promise<Record<string, MetricFamily>> {
  const { status, type, body } = await get('/metrics', base)
  expect({ status, type }).toEqual({ status: 200, type: 'text/plain; version=0.0.4; charset=utf-8' })
  return readMetrics(body)
}

const countOf = (families: Record<string, MetricFamily>, name: string, labels: string) =>
  families[name]?.values[`${name}_count{${labels}}`]

describe('/metrics', () => {
  it('has what was done', async () => {
    await using driver = host.connect()
    const good = request('Good', { region: 'north' }, { token: 'fine' })
    await driver.createMachine(good)
    await driver.createMachine({ ...good, machineClass: machineClass('good-alias', { region: 'north' }) })
    await failureOf(driver.createMachine(request('Good', { region: 'north' }, { token: 'wrong' })))
    await failureOf(driver.createMachine(request('Good', { region: '' })))
    await failureOf(driver.createMachine(request('Nope')))
    await failureOf(
      driver.getMachineStatus(request('Good', { region: 'north', isInitialized: false }, { token: 'fine' })),
    )
    await driver.createMachine(request('Counting'))
    await failureOf(driver.deleteMachine(request('Counting')))
    await failureOf(driver.createMachine(request('CrashingAtLoad')))
    const families = await scrape()
    expect(valuesOf(families, 'mcm_host_calls_total')).toEqual({
      'provider="Good",method="CreateMachine",code="OK",source=""': 2,
      'provider="Good",method="CreateMachine",code="Unauthenticated",source="cloud"': 1,
      'provider="Good",method="CreateMachine",code="InvalidArgument",source="host"': 1,
      'provider="unknown",method="CreateMachine",code="InvalidArgument",source="host"': 1,
      'provider="Good",method="GetMachineStatus",code="Uninitialized",source="cloud"': 1,
      'provider="Counting",method="CreateMachine",code="OK",source=""': 1,
      'provider="Counting",method="DeleteMachine",code="Unavailable",source="cloud"': 1,
      'provider="CrashingAtLoad",method="CreateMachine",code="Unavailable",source="plugin"': 1,
    })
    expect(countOf(families, 'mcm_host_call_duration_seconds', 'provider="Good",method="CreateMachine"')).toBe(4)
    const driverSeconds = 'mcm_cloud_api_driver_request_duration_seconds'
    expect(countOf(families, driverSeconds, 'provider="Good",operation="create_machine"')).toBe(2)
    expect(countOf(families, driverSeconds, 'provider="Good",operation="get_machine_status"')).toBe(undefined)
    expect(valuesOf(families, 'mcm_cloud_api_driver_requests_failed_total')).toEqual({
      'provider="Good",operation="create_machine",error_code="16"': 1,
      'provider="Good",operation="create_machine",error_code="3"': 1,
      'provider="Good",operation="get_machine_status",error_code="17"': 1,
      'provider="Counting",operation="delete_machine",error_code="14"': 1,
      'provider="CrashingAtLoad",operation="create_machine",error_code="14"': 1,
    })
    expect(valuesOf(families, 'mcm_cloud_api_requests_total')).toEqual({
      'provider="Counting",service="vm.create"': 1,
    })
    expect(valuesOf(families, 'mcm_cloud_api_requests_failed_total')).toEqual({
      'provider="Counting",service="vm.delete"': 1,
    })
    const cloudSeconds = 'mcm_cloud_api_api_request_duration_seconds'
    expect(countOf(families, cloudSeconds, 'provider="Counting",service="vm.create"')).toBe(1)
    expect(countOf(families, cloudSeconds, 'provider="Counting",service="vm.delete"')).toBe(undefined)
    expect(Object.values(valuesOf(families, 'mcm_host_calls_in_flight')).every((value) => value === 0)).toBe(true)
  })

  it('has the plugins as they are', async () => {
    await using driver = host.connect()
    await driver.createMachine(request('Counting'))
    // Three failed starts are one too many, and no call starts it again.
    for (let i = 0; i < 3; i++) await failureOf(driver.createMachine(request('CrashingAtLoad')))
    const families = await scrape()
    const labelsOf = (provider: string, name: string, version = '1.0.0') =>
      `provider="${provider}",plugin="@mcm-fixture/${name}",version="${version}"`
    const good = labelsOf('Good', 'good')
    const states = Object.entries(valuesOf(families, 'mcm_host_plugin_state')).filter(([, value]) => value === 1)
    expect(states.map(([labels]) => labels).sort()).toEqual([
      `${labelsOf('Counting', 'counting')},state="ready"`,
      `${labelsOf('CrashingAtLoad', 'crashing-at-load')},state="quarantined"`,
      `${labelsOf('Entryless', 'entryless')},state="failed"`,
      `${good},state="ready"`,
    ])
    expect(valuesOf(families, 'mcm_host_plugin_restarts_total')).toEqual({
      [good]: 0,
      [labelsOf('Counting', 'counting')]: 0,
      [labelsOf('CrashingAtLoad', 'crashing-at-load')]: 2,
      [labelsOf('Entryless', 'entryless')]: 0,
    })
    const memory = valuesOf(families, 'mcm_host_plugin_memory_bytes')
    expect(Object.keys(memory).sort()).toEqual([labelsOf('Counting', 'counting'), good])
    expect(memory[good]).toBeGreaterThan(10e6)
    expect(valuesOf(families, 'mcm_host_build_info')).toEqual({
      [`version="0.1.0",node_version="${process.version}"`]: 1,
    })
  })

  it('stays small and sane, whatever callers and plugins make up', async () => {
    await using alone = await startHost({
      plugins: [fixture('counting')],
      config: { http: { probes: ['127.0.0.1:0'] } },
    })
    await using driver = alone.connect()
    for (let i = 0; i < 300; i++) await failureOf(driver.createMachine(request(`made-up-${i}`)))
    await failureOf(driver.listMachines({ machineClass: machineClass('Counting') }))
    const families = await scrape(alone.probes[0])
    const services = Object.keys(valuesOf(families, 'mcm_cloud_api_requests_total'))
    // 200 names, and `other`.
    expect(services).toHaveLength(201)
    const counting = 'provider="Counting"'
    expect(services.filter((labels) => !/^provider="Counting",service="(vm-\d+|other)"$/.test(labels))).toEqual([])
    // 800 of the names had no room; nor for the six strange ones; one report was sane.
    expect(valuesOf(families, 'mcm_cloud_api_requests_total')[`${counting},service="other"`]).toBe(800 + 6 + 1)
    expect(valuesOf(families, 'mcm_host_calls_total')).toEqual({
      'provider="unknown",method="CreateMachine",code="InvalidArgument",source="host"': 300,
      [`${counting},method="ListMachines",code="Internal",source="plugin"`]: 1,
    })
  })
})

describe('/readyz', () => {
  const page = [
    '[+]host ok',
    '[+]plugins ok',
    '[+]plugin @mcm-fixture/counting ok',
    expect.stringMatching(/^\[-\]plugin @mcm-fixture\/crashing-at-load failed: .+/),
    '[+]plugin @mcm-fixture/good ok',
    expect.stringMatching(/^\[-\]plugin @mcm-fixture\/entryless failed: .+/),
    'readyz check passed',
    '',
  ]

  it('passes, and names the plugins that cannot be used', async () => {
    expect(await get('/readyz')).toEqual({ status: 200, type: 'text/plain', body: 'ok\n' })
    const { status, body } = await get('/readyz?verbose')
    expect({ status, lines: body.split('\n') }).toEqual({ status: 200, lines: page })
  })

  it('fails where no plugin can be used, while /healthz passes', async () => {
    await using lonely = await startHost({
      plugins: [fixture('crashing-at-load')],
      config: { http: { probes: ['127.0.0.1:0'] } },
    })
    await endOf('crashing-at-load', lonely)
    const [base] = lonely.probes
    expect(await get('/healthz', base)).toMatchObject({ status: 200, body: 'ok\n' })
    const { status, body } = await get('/readyz', base)
    expect(status).toBe(503)
    expect(body.split('\n').slice(0, 2)).toEqual(['[+]host ok', '[-]plugins failed: none can be used'])
    expect(body).toMatch(/readyz check failed\n$/)
  })
})

describe('the listener of probes', () => {
  it('has probes alone', async () => {
    expect(await get('/healthz')).toEqual({ status: 200, type: 'text/plain', body: 'ok\n' })
    const post = await fetch(`${url}/mcm.driver.v1.Plugins/ListPlugins`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
    expect({ status: post.status, body: await post.text() }).toEqual({
      status: 404,
      body: 'not found; GET /healthz, /readyz or /metrics\n',
    })
  })

  it.each(['/healthz', '/readyz', '/metrics'])('is not for web pages under a name of their own: %s', async (path) => {
    for (const base of [url, host.http[0]]) {
      const status = await new Promise((resolve, reject) => {
        const call = httpRequest(base + path, { headers: { host: 'evil.example' } }, (response) => {
          response.resume()
          resolve(response.statusCode)
        })
        call.once('error', reject)
        call.end()
      })
      expect(status).toBe(421)
    }
  })

  it('is not the only place for them', async () => {
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      expect((await get(path, host.http[0])).status).toBe(200)
    }
  })
})

it("finds a call in the log by its caller's id, over gRPC and over HTTP", async () => {
  await using driver = connectDriver(host.endpoint)
  await driver.createMachine(request('Counting'), { requestId: 'from-grpc' })
  await fetch(`${host.http[0]}/mcm.driver.v1.Driver/CreateMachine`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-request-id': 'from-http' },
    body: JSON.stringify(request('Counting')),
  })
  for (const requestId of ['from-grpc', 'from-http']) {
    expect(await host.log.first((entry) => entry.requestId === requestId)).toMatchObject({
      msg: 'call answered',
      method: 'CreateMachine',
    })
  }
})
