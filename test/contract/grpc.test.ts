import { connect } from 'node:net'
import type { FileRegistry } from '@bufbuild/protobuf'
import { credentials, loadPackageDefinition, type ServiceError } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import type { ConnectedDriver } from '@mcm/sdk/client'
import { protoPath } from 'grpc-health-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fixture } from './testing/built-program.ts'
import { makeGate } from './testing/gate.ts'
import { type HostProcess, startHost } from './testing/host-process.ts'
import { failureOf, machine, machineClass, request, secret } from './testing/requests.ts'
import { Stranger } from './testing/stranger.ts'

let host: HostProcess
let driver: ConnectedDriver
let stranger: Stranger
let registry: FileRegistry

const service = 'mcm.driver.v1.Driver'
const good = (spec = {}, texts: Record<string, string> = { token: 'fine' }) =>
  request('Good', { region: 'north', ...spec }, texts)

beforeAll(async () => {
  host = await startHost({
    plugins: ['good', 'slow', 'stubborn', 'crashing-at-load'].map(fixture),
    config: { listen: [], maxMessageBytes: 1024 * 1024, deadlines: { changeSeconds: 600, maxSeconds: 3600 } },
    args: ['--listen', '127.0.0.1:0', '--insecure'],
  })
  const [endpoint = ''] = host.grpc
  driver = (await import('@mcm/sdk/client')).connectDriver(endpoint)
  stranger = new Stranger(endpoint)
  registry = await stranger.learn(service, 'mcm.driver.v1.Plugins', 'google.rpc.Status')
})

afterAll(async () => {
  driver?.close()
  stranger?.close()
  await host?.[Symbol.asyncDispose]()
})

describe('a client with the SDK', () => {
  it('creates, looks at, lists and deletes a machine', async () => {
    const vm = { providerID: 'good:///north/m-1', nodeName: 'node-m-1' }
    const addresses = [{ type: 'Hostname', address: 'm-1.s' }]
    expect(await driver.createMachine(good())).toEqual({ ...vm, addresses })
    expect(await driver.createMachine(good({ size: 'm' }))).toEqual({
      ...vm,
      addresses: [{ type: 'Hostname', address: 'm-1.m' }],
    })
    expect(await driver.getMachineStatus(good())).toEqual(vm)
    const { machineClass: ofClass, secret: ofSecret } = good()
    expect(await driver.listMachines({ machineClass: ofClass, secret: ofSecret })).toEqual({
      machineList: { [vm.providerID]: 'm-1' },
    })
    expect(await driver.deleteMachine(good())).toEqual({ lastKnownState: 'deleted' })
    expect(await driver.listMachines({ machineClass: ofClass, secret: ofSecret })).toEqual({ machineList: {} })
  })

  it('asks all plugins for volumes when no class says whose they are', async () => {
    const pvSpecs = [
      { csi: { driver: 'good', volumeHandle: 'vol-1' } },
      { csi: { driver: 'other', volumeHandle: 'vol-2' } },
    ]
    expect(await driver.getVolumeIDs({ pvSpecs })).toEqual({ volumeIDs: ['vol-1'] })
    expect(await driver.getVolumeIDs({ pvSpecs, provider: 'Good' })).toEqual({ volumeIDs: ['vol-1'] })
    expect(await driver.getVolumeIDs({ pvSpecs: [] })).toEqual({ volumeIDs: [] })
  })

  it('migrates a class', async () => {
    const answer = await driver.generateMachineClassForMigration({
      machineClass: machineClass('Good'),
      providerSpecificMachineClass: { kind: 'GoodMachineClass', spec: { region: 'south' } },
      classSpec: { kind: 'GoodMachineClass', name: 'worker' },
    })
    expect(answer).toEqual({ machineClass: machineClass('Good', { region: 'south' }) })
  })

  it("validates a class, with the plugin's own rules when the shape is right", async () => {
    const validate = (spec: object, texts?: Record<string, string>) =>
      driver.validateMachineClass({
        machineClass: machineClass('Good', { ...spec }),
        ...(texts && { secret: secret(texts) }),
      })
    expect(await validate({ region: 'north' })).toEqual({ violations: [] })
    expect(await validate({ region: 'mars' }, {})).toEqual({
      violations: [
        { path: 'providerSpec.region', message: 'is not on this planet' },
        { path: 'secret.data.token', message: 'is required (or apiToken)' },
      ],
    })
    expect(await validate({ region: 7, siez: 's' })).toEqual({
      violations: [
        { path: 'providerSpec.siez', message: 'is not a known field' },
        { path: 'providerSpec.region', message: 'must be string, is 7' },
      ],
    })
  })

  it.each([
    [
      'an unknown provider',
      request('Nope'),
      {
        code: 'InvalidArgument',
        source: 'host',
        retry: 'after-change',
        reason: 'PROVIDER_UNKNOWN',
        message: 'no plugin serves provider "Nope"; it serves CrashingAtLoad, Good, Slow, Stubborn, good-alias',
        violations: [{ path: 'machineClass.provider', message: 'is not served by this host' }],
      },
    ],
    [
      'a provider with odd characters',
      request('__proto__\n\u0000/../"Good"'),
      {
        code: 'InvalidArgument',
        source: 'host',
        retry: 'after-change',
        reason: 'PROVIDER_UNKNOWN',
        message:
          'no plugin serves provider "__proto__\\n\\u0000/../\\"Good\\""; it serves CrashingAtLoad, Good, Slow, Stubborn, good-alias',
        violations: [{ path: 'machineClass.provider', message: 'is not served by this host' }],
      },
    ],
    [
      'no provider',
      request(''),
      {
        code: 'InvalidArgument',
        source: 'host',
        retry: 'after-change',
        reason: 'PROVIDER_UNKNOWN',
        message: 'the MachineClass names no provider; it serves CrashingAtLoad, Good, Slow, Stubborn, good-alias',
        violations: [{ path: 'machineClass.provider', message: 'is required' }],
      },
    ],
    [
      'a bad spec',
      good({ region: '', size: 'xl', disks: [{ sizeGiB: 1 }, { sizeGiB: 0 }, {}], password: 'hunter2' }),
      {
        code: 'InvalidArgument',
        source: 'host',
        retry: 'after-change',
        reason: 'SPEC_INVALID',
        message: [
          'MachineClass "worker" (provider Good) is not valid',
          '  providerSpec.region            must NOT have fewer than 1 characters, is ""',
          '  providerSpec.size              must be one of s, m, is "xl"',
          '  providerSpec.disks[1].sizeGiB  must be at least 1, is 0',
          '  providerSpec.disks[2].sizeGiB  is required',
          '  providerSpec.password          must NOT have fewer than 100 characters',
          'correct it and apply it again; nothing was changed at the provider',
        ].join('\n'),
        violations: [
          { path: 'providerSpec.region', message: 'must NOT have fewer than 1 characters, is ""' },
          { path: 'providerSpec.size', message: 'must be one of s, m, is "xl"' },
          { path: 'providerSpec.disks[1].sizeGiB', message: 'must be at least 1, is 0' },
          { path: 'providerSpec.disks[2].sizeGiB', message: 'is required' },
          { path: 'providerSpec.password', message: 'must NOT have fewer than 100 characters' },
        ],
      },
    ],
    [
      'a spec that only the plugin refuses',
      good({ region: 'mars' }),
      {
        code: 'InvalidArgument',
        source: 'host',
        retry: 'after-change',
        reason: 'SPEC_INVALID',
        message: [
          'MachineClass "worker" (provider Good) is not valid',
          '  providerSpec.region  is not on this planet',
          'correct it and apply it again; nothing was changed at the provider',
        ].join('\n'),
        violations: [{ path: 'providerSpec.region', message: 'is not on this planet' }],
      },
    ],
    [
      'a missing secret key',
      good({}, { userData: 'x' }),
      {
        code: 'InvalidArgument',
        source: 'host',
        retry: 'after-change',
        reason: 'SECRET_INVALID',
        message: [
          'the Secret of MachineClass "worker" (provider Good) is not valid',
          '  secret.data.token  is required (or apiToken)',
          'correct it and apply it again; nothing was changed at the provider',
        ].join('\n'),
        violations: [{ path: 'secret.data.token', message: 'is required (or apiToken)' }],
      },
    ],
    [
      'an error of the cloud',
      good({}, { token: 'wrong' }),
      {
        code: 'Unauthenticated',
        source: 'cloud',
        retry: 'after-change',
        message: 'the token is wrong',
      },
    ],
  ])('learns everything about %s', async (_, wrong, failure) => {
    expect(await failureOf(driver.createMachine(wrong))).toEqual(failure)
  })

  it('learns that a machine does not exist, or is not initialized', async () => {
    expect(await failureOf(driver.getMachineStatus(good()))).toEqual({
      code: 'NotFound',
      source: 'cloud',
      retry: 'later',
      message: 'no VM named m-1 in north',
    })
    await driver.createMachine(good())
    expect(await failureOf(driver.getMachineStatus(good({ isInitialized: false })))).toEqual({
      code: 'Uninitialized',
      source: 'cloud',
      message: 'VM good:///north/m-1 is not initialized yet',
      providerID: 'good:///north/m-1',
      nodeName: 'node-m-1',
      addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
    })
    await driver.deleteMachine(good())
  })

  it('learns what is missing in a request, and in a plugin', async () => {
    expect(await failureOf(driver.createMachine({ machine: machine('') } as never))).toEqual({
      code: 'InvalidArgument',
      source: 'host',
      retry: 'after-change',
      reason: 'REQUEST_INCOMPLETE',
      message: 'CreateMachine: machineClass is required, machine.metadata.name is required',
      violations: [
        { path: 'machineClass', message: 'is required' },
        { path: 'machine.metadata.name', message: 'is required' },
      ],
    })
    expect(await failureOf(driver.initializeMachine(good()))).toEqual({
      code: 'Unimplemented',
      source: 'plugin',
      retry: 'after-change',
      reason: 'METHOD_MISSING',
      message: '@mcm-fixture/good does not implement InitializeMachine',
    })
    expect(await failureOf(driver.createMachine({ ...good(), machin: 1 } as never))).toEqual({
      code: 'InvalidArgument',
      source: 'host',
      retry: 'after-change',
      message: 'CreateMachineRequest has no field machin',
    })
  })

  it('cancels a call, and the plugin hears of it', async () => {
    await using gate = await makeGate()
    const controller = new AbortController()
    const call = failureOf(driver.createMachine(request('Slow', { gate: gate.path }), { signal: controller.signal }))
    await gate.arrived()
    controller.abort()
    expect(await call).toMatchObject({ code: 'Canceled' })
    await gate.left()
    expect(await failureOf(driver.createMachine(good(), { signal: controller.signal }))).toMatchObject({
      code: 'Canceled',
    })
  })

  it('looks at a machine while a change of it runs, but does not change it twice', async () => {
    await using gate = await makeGate()
    const slow = request('Slow', { gate: gate.path }, {}, 'm-2')
    const created = driver.createMachine(slow)
    await gate.arrived()
    expect(await driver.getMachineStatus(slow)).toMatchObject({ providerID: 'slow:///m-2' })
    expect(await failureOf(driver.deleteMachine(slow))).toMatchObject({ code: 'Aborted', reason: 'MACHINE_BUSY' })
    const other = driver.createMachine({ ...slow, machine: machine('m-3') })
    await gate.arrived(2)
    gate.open()
    expect((await created).providerID).toBe('slow:///m-2')
    expect((await other).providerID).toBe('slow:///m-3')
  })
})

describe('a client that has never seen our code', () => {
  it('lists the services by reflection', async () => {
    const services = ['grpc.health.v1.Health', 'mcm.driver.v1.Driver', 'mcm.driver.v1.Plugins']
    expect(await stranger.listServices('v1')).toEqual(expect.arrayContaining(services))
    expect(await stranger.listServices('v1alpha')).toEqual(expect.arrayContaining(services))
  })

  it('calls with Kubernetes JSON', async () => {
    const answer = await stranger.call(registry, service, 'CreateMachine', {
      machine: {
        apiVersion: 'machine.sapcloud.io/v1alpha1',
        kind: 'Machine',
        metadata: { name: 'm-9', namespace: 'default' },
      },
      machineClass: { metadata: { name: 'worker' }, provider: 'Good', providerSpec: { region: 'north' } },
      secret: { data: { token: 'ZmluZQ==' } },
    })
    expect(answer).toEqual({
      providerID: 'good:///north/m-9',
      nodeName: 'node-m-9',
      addresses: [{ type: 'Hostname', address: 'm-9.s' }],
    })
  })

  it('reads the details of an error', async () => {
    const failed = await stranger
      .call(registry, service, 'GetMachineStatus', {
        machine: { metadata: { name: 'm-9' } },
        machineClass: { provider: 'Good', providerSpec: { region: 'north', isInitialized: false } },
        secret: { data: { token: 'ZmluZQ==' } },
      })
      .catch((error: ServiceError) => stranger.statusOf(registry, error))
    const message = 'VM good:///north/m-9 is not initialized yet'
    expect(failed).toEqual({
      code: 9,
      message,
      status: {
        code: 9,
        message,
        details: [
          {
            '@type': 'type.googleapis.com/mcm.driver.v1.ErrorDetail',
            code: 17,
            codeName: 'Uninitialized',
            source: 'ERROR_SOURCE_CLOUD',
            retry: 'RETRY_ADVICE_SOON',
            providerID: 'good:///north/m-9',
            nodeName: 'node-m-9',
            addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
          },
        ],
      },
    })
  })

  it('is told when its request cannot be decoded', async () => {
    const failed = await stranger
      .send(`/${service}/CreateMachine`, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff]))
      .catch((error: ServiceError) => stranger.statusOf(registry, error))
    expect(failed).toMatchObject({
      code: 3,
      message: expect.stringMatching(/^this is no request of CreateMachine: /),
      status: { details: [{ code: 3, reason: 'REQUEST_MALFORMED', source: 'ERROR_SOURCE_HOST' }] },
    })
  })

  it('is told that a method does not exist, and that a message is too large', async () => {
    await expect(stranger.send(`/${service}/Reboot`, new Uint8Array())).rejects.toMatchObject({ code: 12 })
    await expect(stranger.send(`/${service}/CreateMachine`, new Uint8Array(2 * 1024 * 1024))).rejects.toMatchObject({
      code: 8,
    })
    expect((await driver.listPlugins()).plugins).toHaveLength(4)
  })

  it('watches the health of the host and of each provider', async () => {
    const loaded = loadPackageDefinition(loadSync(protoPath)) as never as {
      grpc: { health: { v1: { Health: new (endpoint: string, c: unknown) => Record<string, never> } } }
    }
    const client = new loaded.grpc.health.v1.Health(host.grpc[0] ?? '', credentials.createInsecure()) as never as {
      check(request: object, done: (error: ServiceError | null, answer?: { status: string | number }) => void): void
      close(): void
    }
    const check = (name: string) =>
      new Promise((resolve) =>
        client.check({ service: name }, (error, answer) => resolve(error ? error.code : answer?.status)),
      )
    // SERVING is 1, NOT_SERVING is 2; a name that nobody knows is NOT_FOUND, which is 5.
    expect(await Promise.all(['', 'Good', 'good-alias', 'CrashingAtLoad', 'Nope'].map(check))).toEqual([1, 1, 1, 2, 5])
    client.close()
  })
})

describe('somebody who speaks no gRPC at all', () => {
  it.each([
    ['binary garbage', Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 37) % 256))],
    ['HTTP/1.1', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
    ['a TLS hello', Buffer.from('16030100a5010000a10303', 'hex')],
    ['a broken HTTP/2 frame', Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.alloc(64, 0xff)])],
  ])('%s: is disconnected, and the host lives', async (_, bytes) => {
    const [, hostname = '', port = ''] = /^(.*):(\d+)$/.exec(host.grpc[0] ?? '') ?? []
    const socket = connect(Number(port), hostname)
    socket.on('error', () => {})
    socket.resume()
    socket.end(bytes)
    await new Promise((resolve) => socket.once('close', resolve))
    expect(await driver.getVolumeIDs({ pvSpecs: [], provider: 'Good' })).toEqual({ volumeIDs: [] })
    expect(host.process.exitCode).toBe(null)
  })
})
