import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect as connectHttp2 } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { connectDriver } from '@mcm/sdk/client'
import type { Report } from '@mcm/sdk/conformance'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { main as judgeEndpoint } from '../../sdk/src/conformance/cli/main.ts'
import { fixture } from './testing/built-program.ts'
import { type Identity, makeAuthority } from './testing/certificates.ts'
import { type HostProcess, startHost } from './testing/host-process.ts'
import { failureOf } from './testing/requests.ts'

const serverAuthority = makeAuthority('server authority')
const clientAuthority = makeAuthority('client authority')
const client = clientAuthority.issue('client')
const stranger = makeAuthority('client authority').issue('stranger')

let folder: string
let host: HostProcess
const file = (name: string) => join(folder, name)
const write = async ({ cert, key }: Identity) => {
  await writeFile(file('cert.pem'), cert)
  await writeFile(file('key.pem'), key)
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcm-tls-'))
  await write(serverAuthority.issue('first'))
  await writeFile(file('ca.pem'), clientAuthority.cert)
  host = await startHost({
    plugins: [fixture('good')],
    config: {
      listen: ['127.0.0.1:0'],
      http: { listen: ['127.0.0.1:0'], probes: ['127.0.0.1:0'] },
      tls: { cert: file('cert.pem'), key: file('key.pem'), clientCa: file('ca.pem') },
    },
  })
})

afterAll(async () => {
  await host?.[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

/** How many plugins a client sees that shows this certificate, or why it sees none. */
async function viaGrpc(identity: Identity | undefined): Promise<unknown> {
  await using driver = connectDriver(host.grpc[0] ?? '', { tls: { ca: serverAuthority.cert, ...identity } })
  const call = driver.listPlugins({ deadlineMs: Date.now() + 20_000 })
  return await call.then(
    ({ plugins }) => plugins.length,
    (error) => error.code,
  )
}

async function viaHttps(identity: Identity | undefined): Promise<unknown> {
  const call = httpsRequest(`${host.http[0]}/mcm.driver.v1.Plugins/ListPlugins`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    ca: serverAuthority.cert,
    agent: false,
    ...identity,
  })
  call.end('{}')
  return await once(call, 'response').then(
    async ([response]) => JSON.parse((await response.toArray()).join('')).plugins.length,
    () => 'refused',
  )
}

it('lets the conformance kit judge what it serves, to a client with a certificate', async () => {
  await writeFile(file('server-ca.pem'), serverAuthority.cert)
  await writeFile(file('client.pem'), client.cert)
  await writeFile(file('client-key.pem'), client.key)
  await writeFile(
    file('kit.json'),
    JSON.stringify({ machineClass: { kind: 'MachineClass', provider: 'Good', providerSpec: {} } }),
  )
  const judge = async (...more: string[]) =>
    await judgeEndpoint([
      ...['--config', file('kit.json'), '--case', 'plugin-listed', '--output', 'json', '--report', file('report.json')],
      ...['--endpoint', host.grpc[0] ?? '', '--tls-ca', file('server-ca.pem'), ...more],
    ])
  expect(await judge()).toBe(2)
  // One case is no verdict.
  expect(await judge('--tls-cert', file('client.pem'), '--tls-key', file('client-key.pem'))).toBe(3)
  const report = JSON.parse(await readFile(file('report.json'), 'utf8')) as Report
  expect(report.results.find(({ kind }) => kind === 'passed')).toMatchObject({ id: 'plugin-listed' })
})

describe('a client', () => {
  it.each([
    ['with a certificate of the authority', client, 1, 1],
    ['without a certificate', undefined, 'Unavailable', 'refused'],
    ['with a certificate of another authority of the same name', stranger, 'Unavailable', 'refused'],
  ])('%s', async (_, identity, grpc, https) => {
    expect(await viaGrpc(identity)).toBe(grpc)
    expect(await viaHttps(identity)).toBe(https)
  })

  it('that does not trust the host goes away', async () => {
    await using driver = connectDriver(host.grpc[0] ?? '', { tls: { ca: clientAuthority.cert, ...client } })
    expect(await failureOf(driver.listPlugins({ deadlineMs: Date.now() + 20_000 }))).toMatchObject({
      code: 'Unavailable',
      source: 'host',
    })
  })

  it('that speaks no TLS is refused', async () => {
    await using driver = connectDriver(host.grpc[0] ?? '')
    expect(await failureOf(driver.listPlugins({ deadlineMs: Date.now() + 20_000 }))).toMatchObject({
      code: 'Unavailable',
    })
    await expect(fetch(`${host.http[0]?.replace('https', 'http')}/healthz`)).rejects.toThrow('fetch failed')
    expect(await viaGrpc(client)).toBe(1)
  })
})

it('probes are answered without TLS, for kubelets, and nothing else is', async () => {
  const [url] = host.probes
  for (const path of ['/healthz', '/readyz', '/metrics']) expect((await fetch(url + path)).status).toBe(200)
  const call = await fetch(`${url}/mcm.driver.v1.Plugins/ListPlugins`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })
  expect(call.status).toBe(404)
})

describe('a rotation', () => {
  const served = async (address = '') => {
    const [, hostname = '', port = ''] = /^(?:https:\/\/)?(.*):(\d+)$/.exec(address) ?? []
    const options = { host: hostname, port: Number(port), ca: serverAuthority.cert, ...client, ALPNProtocols: ['h2'] }
    const socket = connectTls(options)
    await once(socket, 'secureConnect')
    const { subject } = new X509Certificate(socket.getPeerCertificate().raw)
    socket.destroy()
    return subject
  }

  it('is picked up; one that is half done leaves the old certificate in use', async () => {
    const addresses = [host.grpc[0], host.http[0]]
    expect(await Promise.all(addresses.map(served))).toEqual(['CN=first', 'CN=first'])
    const second = serverAuthority.issue('second')
    await writeFile(file('cert.pem'), second.cert)
    const kept = await host.log.first(({ msg }) => msg === 'TLS certificates changed, the old ones stay in use')
    expect(kept.reason).toMatch(
      `TLS: ${file('cert.pem')}, ${file('key.pem')} and ${file('ca.pem')} do not fit together: `,
    )
    expect(await Promise.all(addresses.map(served))).toEqual(['CN=first', 'CN=first'])
    await writeFile(file('key.pem'), second.key)
    await host.log.first(({ msg }) => msg === 'TLS certificates read again')
    expect(await Promise.all(addresses.map(served))).toEqual(['CN=second', 'CN=second'])
    expect(await viaGrpc(client)).toBe(1)
  })
})

it('a connection that a client keeps open does not keep the host', async () => {
  const session = connectHttp2(host.http[0] ?? '', { ca: serverAuthority.cert, ...client })
  session.on('error', () => {})
  await once(session, 'connect')
  const closed = once(session, 'close')
  expect(await host.stop()).toEqual({ code: 0, signal: null })
  await closed
})
