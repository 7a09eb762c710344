import { request as httpRequest } from 'node:http'
import { Code, ConnectError, createClient } from '@connectrpc/connect'
import { createGrpcWebTransport } from '@connectrpc/connect-node'
import { Driver, ErrorDetailSchema, Plugins } from '@mcm/sdk/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fixture } from './testing/built-program.ts'
import { type HostProcess, startHost } from './testing/host-process.ts'

let host: HostProcess
let url: string

beforeAll(async () => {
  host = await startHost({
    plugins: ['good', 'slow'].map(fixture),
    config: {
      http: { listen: ['127.0.0.1:0'], allowedOrigins: ['https://console.example'] },
      insecure: true,
      maxMessageBytes: 1024 * 1024,
    },
  })
  url = host.http[0] ?? ''
})

afterAll(async () => await host?.[Symbol.asyncDispose]())

/** What `kubectl get machine -o json` prints, with all that the API server adds. */
const machine = {
  apiVersion: 'machine.sapcloud.io/v1alpha1',
  kind: 'Machine',
  metadata: {
    annotations: { 'node.machine.sapcloud.io/notManagedByMCM': '1' },
    creationTimestamp: '2026-11-24T20:00:00Z',
    finalizers: ['machine.sapcloud.io/machine-controller-manager'],
    generation: 2,
    labels: { name: 'worker' },
    managedFields: [
      {
        apiVersion: 'machine.sapcloud.io/v1alpha1',
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:spec': { '.': {} } },
        manager: 'kubectl',
        operation: 'Update',
      },
    ],
    name: 'm-1',
    namespace: 'default',
    ownerReferences: [
      {
        apiVersion: 'machine.sapcloud.io/v1alpha1',
        blockOwnerDeletion: true,
        controller: true,
        kind: 'MachineSet',
        name: 'set',
        uid: '9c0f',
      },
    ],
    resourceVersion: '4711',
    uid: '3b1e',
  },
  spec: {
    class: { kind: 'MachineClass', name: 'worker' },
    creationTimeout: '20m0s',
    maxEvictRetries: 10,
    nodeTemplate: {
      metadata: { creationTimestamp: null, labels: { pool: 'worker' } },
      spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] },
    },
    providerID: '',
  },
  status: {
    conditions: [{ lastHeartbeatTime: '2026-11-24T20:01:00Z', status: 'True', type: 'Ready' }],
    currentStatus: { lastUpdateTime: '2026-11-24T20:01:00Z', phase: 'Pending', timeoutActive: true },
    lastOperation: {
      description: 'Creating machine',
      lastUpdateTime: '2026-11-24T20:01:00Z',
      state: 'Processing',
      type: 'Create',
    },
  },
}

const machineClass = {
  apiVersion: 'machine.sapcloud.io/v1alpha1',
  kind: 'MachineClass',
  metadata: { name: 'worker', namespace: 'default', generation: 1 },
  provider: 'Good',
  providerSpec: { region: 'north' },
  secretRef: { name: 'worker', namespace: 'default' },
}

const secret = {
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'worker', namespace: 'default' },
  type: 'Opaque',
  data: { token: 'ZmluZQ==' },
}

async function post(method: string, body: unknown, headers: Record<string, string> = {}) {
  const answer = await fetch(`${url}/mcm.driver.v1.${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  const text = await answer.text()
  return { status: answer.status, headers: answer.headers, body: text.startsWith('{') ? JSON.parse(text) : text }
}

describe('JSON over HTTP', () => {
  it('takes a Machine as kubectl prints it', async () => {
    const answer = await post('Driver/CreateMachine', { machine, machineClass, secret })
    expect(answer.body).toEqual({
      providerID: 'good:///north/m-1',
      nodeName: 'node-m-1',
      addresses: [{ type: 'Hostname', address: 'm-1.s' }],
    })
    expect(answer.status).toBe(200)
  })

  it('lists the plugins', async () => {
    const { status, body } = await post('Plugins/ListPlugins', {})
    expect(status).toBe(200)
    expect(body.plugins[0]).toMatchObject({
      name: '@mcm-fixture/good',
      providers: ['Good', 'good-alias'],
      state: 'PLUGIN_STATE_READY',
      secretKeys: [
        { name: 'token', required: true, aliases: ['apiToken'], description: 'token of the API' },
        { name: 'userData' },
      ],
    })
  })

  it.each([
    [
      'a misspelt field',
      { machin: machine, machineClass },
      'cannot decode message mcm.driver.v1.CreateMachineRequest from JSON: key "machin" is unknown',
    ],
    [
      'a misspelt field inside',
      { machine: { ...machine, spec: { providerId: 'x' } } },
      'cannot decode message mcm.driver.v1.MachineSpec from JSON: key "providerId" is unknown',
    ],
    [
      'a value of a wrong kind',
      { machine: { metadata: { name: 7 } } },
      'cannot decode field mcm.driver.v1.ObjectMeta.name from JSON: expected string, got 7',
    ],
    ['no JSON', '{', expect.stringMatching(/^cannot decode message mcm\.driver\.v1\.CreateMachineRequest from JSON: /)],
  ])('says what is wrong with %s', async (_, body, message) => {
    const answer = await post('Driver/CreateMachine', body)
    expect(answer.body).toMatchObject({ code: 'invalid_argument', message })
    expect(answer.status).toBe(400)
  })

  it('has the details of an error', async () => {
    const answer = await post('Driver/CreateMachine', {
      machine,
      machineClass: { ...machineClass, providerSpec: { region: '' } },
      secret: {},
    })
    expect(answer.status).toBe(400)
    expect(answer.body).toEqual({
      code: 'invalid_argument',
      message: [
        'MachineClass "worker" (provider Good) is not valid',
        '  providerSpec.region  must NOT have fewer than 1 characters, is ""',
        '  secret.data.token    is required (or apiToken)',
        'correct it and apply it again; nothing was changed at the provider',
      ].join('\n'),
      details: [
        {
          type: 'mcm.driver.v1.ErrorDetail',
          value: expect.any(String),
          debug: {
            code: 3,
            codeName: 'InvalidArgument',
            source: 'ERROR_SOURCE_HOST',
            retry: 'RETRY_ADVICE_AFTER_CHANGE',
            reason: 'SPEC_INVALID',
            violations: [
              { path: 'providerSpec.region', message: 'must NOT have fewer than 1 characters, is ""' },
              { path: 'secret.data.token', message: 'is required (or apiToken)' },
            ],
          },
        },
      ],
    })
  })

  it('refuses what is too large, and what does not exist', async () => {
    const large = await post('Driver/CreateMachine', { machine: { metadata: { name: 'x'.repeat(2_000_000) } } })
    expect(large.body).toMatchObject({ code: 'resource_exhausted' })
    expect((await post('Driver/Reboot', {})).status).toBe(404)
    expect(await (await fetch(url)).text()).toBe(
      'not found; POST to /mcm.driver.v1.Driver/<method> or /mcm.driver.v1.Plugins/ListPlugins\n',
    )
  })

  it('says what to send instead of another content type', async () => {
    const answer = await fetch(`${url}/mcm.driver.v1.Plugins/ListPlugins`, { method: 'POST', body: 'x' })
    expect({ status: answer.status, body: await answer.text() }).toEqual({
      status: 415,
      body: 'send JSON with "content-type: application/json", or application/proto, gRPC-Web or gRPC\n',
    })
  })

  it('answers health checks, for the host and for each provider', async () => {
    const check = async (service: string) => {
      const body = JSON.stringify({ service })
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(`${url}/grpc.health.v1.Health/Check`, { method: 'POST', headers, body })
      return { status: answer.status, answer: await answer.json() }
    }
    expect(await check('')).toEqual({ status: 200, answer: { status: 'SERVING' } })
    expect(await check('Good')).toEqual({ status: 200, answer: { status: 'SERVING' } })
    expect(await check('nobody')).toMatchObject({ status: 404, answer: { code: 'not_found' } })
  })

  it('answers /healthz', async () => {
    const answer = await fetch(`${url}/healthz`)
    expect({ status: answer.status, body: await answer.text() }).toEqual({ status: 200, body: 'ok\n' })
  })
})

describe('gRPC-Web', () => {
  it('calls, and reads the details of an error', async () => {
    const transport = createGrpcWebTransport({ baseUrl: url, httpVersion: '1.1' })
    expect((await createClient(Plugins, transport).listPlugins({})).plugins.map(({ name }) => name)).toEqual([
      '@mcm-fixture/good',
      '@mcm-fixture/slow',
    ])
    const thrown = await createClient(Driver, transport)
      .createMachine({ machine: { metadata: { name: 'm' } }, machineClass: { provider: 'Nope' } })
      .catch((error: unknown) => error)
    const error = ConnectError.from(thrown)
    expect(error.code).toBe(Code.InvalidArgument)
    expect(error.findDetails(ErrorDetailSchema)).toMatchObject([{ code: 3, reason: 'PROVIDER_UNKNOWN' }])
  })
})

describe('web pages', () => {
  it('may call from an origin that is allowed, after a preflight', async () => {
    const origin = 'https://console.example'
    const preflight = await fetch(`${url}/mcm.driver.v1.Plugins/ListPlugins`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
    })
    expect(preflight.status).toBe(204)
    const { headers } = await post('Plugins/ListPlugins', {}, { origin })
    for (const answer of [preflight.headers, headers]) {
      expect(answer.get('access-control-allow-origin')).toBe(origin)
      expect(answer.get('vary')).toBe('origin')
    }
    expect(preflight.headers.get('access-control-allow-methods')).toContain('POST')
    expect(preflight.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('content-type')
  })

  it.each(['OPTIONS', 'POST'])('may not call from elsewhere (%s)', async (method) => {
    const answer = await fetch(`${url}/mcm.driver.v1.Plugins/ListPlugins`, {
      method,
      headers: { origin: 'https://evil.example', 'content-type': 'application/json' },
      ...(method === 'POST' && { body: '{}' }),
    })
    expect(answer.status).toBe(403)
    expect(answer.headers.get('access-control-allow-origin')).toBe(null)
    expect(await answer.text()).toBe(
      'pages of "https://evil.example" may not call this host; see http.allowedOrigins\n',
    )
  })

  it.each([
    ['evil.example', 421],
    ['127.0.0.1.evil.example', 421],
    ['localhost.evil.example:80', 421],
    ['localhost', 200],
    ['127.0.0.1:1234', 200],
    ['[::1]:8080', 200],
  ])('cannot make their own name resolve to this host: Host %j gets %d', async (name, status) => {
    const answer = await new Promise((resolve, reject) => {
      const call = httpRequest(
        `${url}/mcm.driver.v1.Plugins/ListPlugins`,
        { method: 'POST', headers: { host: name, 'content-type': 'application/json' } },
        (response) => {
          response.resume()
          resolve(response.statusCode)
        },
      )
      call.once('error', reject)
      call.end('{}')
    })
    expect(answer).toBe(status)
  })
})
