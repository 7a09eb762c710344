import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitFor } from '@mcm/sdk'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { builtFile } from '../contract/testing/built-program.ts'
import { type HostProcess, startHost } from '../contract/testing/host-process.ts'
import { failureOf } from '../contract/testing/requests.ts'
import { FakeCompute } from '../fake-compute/server.ts'
import { machine } from './testing/aws-requests.ts'
import { gcpClass, gcpSecret } from './testing/gcp-requests.ts'
import { computeEndpoints, computeGrant } from './testing/grants.ts'
import { type StandIn, startStandIn } from './testing/stand-in.ts'

// The plugin in its sandbox, as it is installed.

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcm-gcp-'))
})
afterAll(async () => await rm(folder, { recursive: true, force: true }))

let compute: FakeCompute
let google: StandIn
let key: Record<string, string>
beforeEach(async () => {
  compute = await FakeCompute.start()
  google = await startStandIn(compute.url, ['*.googleapis.com'], join(folder, 'ca.pem'))
  key = compute.tokens.serviceAccountKey(compute.project)
})
afterEach(async () => {
  await google[Symbol.asyncDispose]()
  await compute[Symbol.asyncDispose]()
})

async function hostWith(config: object, env: Record<string, string> = {}): Promise<HostProcess> {
  return await startHost({ plugins: [builtFile('plugins/gcp')], config: { ...config }, env })
}

const call = (name: string) => {
  return { machine: machine(name), machineClass: gcpClass(), secret: gcpSecret({ ...key, token_uri: googleTokenUri }) }
}
const googleTokenUri = 'https://oauth2.googleapis.com/token'
const idOf = (name: string) => `gce:///demo-project/europe-west1-b/${name}`

it('lives by the network only, which is all that its manifest asks for, at the endpoints of Google', async () => {
  const { mcm } = JSON.parse(await readFile(builtFile('plugins/gcp/package.json'), 'utf8'))
  expect(mcm.permissions).toEqual({ net: ['*'] })
  // What the host has, and the plugin must not even see.
  const credentials = join(folder, 'of-the-host.json')
  await writeFile(credentials, '{}')
  await using host = await hostWith(
    {},
    { ...google.env, ...computeEndpoints('http://127.0.0.1:1'), GOOGLE_APPLICATION_CREDENTIALS: credentials },
  )
  await using driver = host.connect()
  const made = await driver.createMachine(call('m-1'))
  expect(made.providerID).toBe(idOf('m-1'))
  expect((await driver.getMachineStatus(call('m-1'))).providerID).toBe(idOf('m-1'))
  const { machineClass, secret } = call('m-1')
  expect(await driver.listMachines({ machineClass, secret })).toEqual({ machineList: { [idOf('m-1')]: 'm-1' } })
  expect(await driver.deleteMachine(call('m-1'))).toEqual({})
  expect(compute.cloud.instances).toEqual([])
  expect([...google.targets].sort()).toEqual(['compute.googleapis.com:443', 'oauth2.googleapis.com:443'])
})

it('makes one VM when its process is killed after Compute was asked', async () => {
  await using host = await hostWith(computeGrant, computeEndpoints(compute.url))
  await using driver = host.connect()
  compute.cloud.behaviour.looksUntilDone = Number.POSITIVE_INFINITY
  const failed = failureOf(driver.createMachine(call('m-1')))
  const isAsked = async () => compute.actions.includes('zoneOperations.wait') || undefined
  await waitFor(isAsked, { signal: AbortSignal.timeout(30_000), what: 'the request', intervalMs: 10 })
  const [plugin] = (await driver.listPlugins()).plugins
  process.kill(plugin?.pid ?? 0, 'SIGKILL')
  expect((await failed).code).toBe('Unavailable')

  for (const operation of compute.cloud.operations) operation.looksLeft = 1
  expect((await driver.createMachine(call('m-1'))).providerID).toBe(idOf('m-1'))
  expect(compute.cloud.instances.map(({ resource }) => resource.status)).toEqual(['RUNNING'])
  const ids = compute.journal.flatMap(({ action, params }) => (action === 'instances.insert' ? [params.requestId] : []))
  expect([ids.length, new Set(ids).size]).toEqual([2, 1])
})
