import { once } from 'node:events'
import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failureOf } from '../contract/testing/requests.ts'
import { pluginAndCompute } from './testing/plugin-and-compute.ts'

let world: Awaited<ReturnType<typeof pluginAndCompute>>
let folder: string
let tokenFile: string
beforeEach(async () => {
  world = await pluginAndCompute()
  folder = await mkdtemp(join(tmpdir(), 'mcm-identity-'))
  tokenFile = join(folder, 'token')
  process.env.MCM_GCP_TOKEN_FILE = tokenFile
  // With a line end, as many tools write it.
  await writeFile(tokenFile, `${world.fake.tokens.subjectToken()}\n`)
})
afterEach(async () => {
  delete process.env.MCM_GCP_TOKEN_FILE
  await world[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

const email = 'machines@demo-project.iam.gserviceaccount.com'
const impersonation = `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${email}:generateAccessToken`
const config = (changes: object = {}) => ({
  type: 'external_account',
  project_id: 'demo-project',
  audience: world.fake.tokens.audience,
  subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  token_url: 'https://sts.googleapis.com/v1/token',
  credential_source: { file: '/var/run/secrets/gardener.cloud/workload-identity/token', format: { type: 'text' } },
  ...changes,
})
/** A request whose Secret has nothing but this configuration. */
function call(name: string, credentials: object) {
  const request = world.call(name)
  const stringData = { userData: '#cloud-config\n', credentialsConfig: JSON.stringify(credentials) }
  return { ...request, secret: { ...request.secret, stringData } }
}

describe('a workload identity', () => {
  it('C2: makes, finds and removes a VM with a token that it exchanges once', async () => {
    const request = call('m-1', config())
    const { providerID } = await world.driver.createMachine(request)
    expect(await world.driver.getMachineStatus(request)).toMatchObject({ providerID })
    await world.driver.deleteMachine(request)
    expect(world.fake.cloud.instances).toEqual([])
    expect(world.fake.actions.filter((action) => action === 'sts')).toHaveLength(1)
  })

  it('acts as the service account that it names', async () => {
    // Known to the fake since the world has a key of it.
    await world.driver.createMachine(call('m-1', config({ service_account_impersonation_url: impersonation })))
    expect(world.fake.actions.filter((action) => /^(sts|impersonate)$/.test(action))).toEqual(['sts', 'impersonate'])
    expect(world.fake.journal.find(({ action }) => action === 'impersonate')?.params).toEqual({ email })
  })

  it('reads the token anew when it logs in anew', async () => {
    await writeFile(tokenFile, 'no token')
    const request = call('m-1', config())
    expect(await failureOf(world.driver.createMachine(request))).toMatchObject({ code: 'Unauthenticated' })
    await writeFile(tokenFile, world.fake.tokens.subjectToken())
    expect(await world.driver.createMachine(request)).toMatchObject({ nodeName: 'm-1' })
  })

  it('says where the token is missing, and asks nobody', async () => {
    await unlink(tokenFile)
    const failed = await failureOf(world.driver.createMachine(call('m-1', config())))
    expect(failed).toMatchObject({ code: 'Unauthenticated', source: 'host' })
    expect(failed.message).toContain(
      `cannot read the workload identity token in ${folder} (ENOENT); is it mounted where the host runs?`,
    )
    expect(world.fake.journal).toEqual([])
  })

  it('tells a refused exchange by its OAuth error, and quotes nothing of the answer', async () => {
    const error = { status: 400, reason: 'invalid_grant', message: 'what only the server knows' }
    world.fake.faults.add({ action: 'sts', times: 9, error })
    const failed = await failureOf(world.driver.createMachine(call('m-1', config())))
    expect(failed).toMatchObject({ code: 'Unauthenticated', reason: 'invalid_grant' })
    expect(JSON.stringify(failed) + failed.message).not.toContain('what only the server knows')
  })
})

describe('a hostile Secret is refused before a byte is sent', () => {
  let server: Server
  let hostile: string
  const seen: string[] = []
  beforeEach(async () => {
    server = createServer(({ url = '' }, response) => {
      seen.push(url)
      response.end('{"access_token": "x"}')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    hostile = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterEach(async () => {
    server.close()
    await once(server, 'close')
  })

  it.each<[string, string, () => object]>([
    ['C49', 'a token URL', () => config({ token_url: `${hostile}/token` })],
    ['C50', 'another file', () => config({ credential_source: { file: '/etc/passwd' } })],
    ['C50', 'a URL to get a token from', () => config({ credential_source: { url: `${hostile}/subject` } })],
    ['C50', 'a program', () => config({ credential_source: { executable: { command: 'touch /tmp/owned' } } })],
    [
      'C51',
      'an impersonation URL',
      () => config({ service_account_impersonation_url: `${hostile}/x:generateAccessToken` }),
    ],
    ['W23', 'a token URI', () => ({ ...serviceAccount, token_uri: `${hostile}/token` })],
    ['W23', 'another universe', () => ({ ...serviceAccount, universe_domain: hostile.slice(7) })],
  ])('%s: one with %s', async (_, __, credentials) => {
    const failed = await failureOf(world.driver.createMachine(call('m-1', credentials())))
    expect(failed).toMatchObject({ code: 'InvalidArgument', reason: 'SECRET_INVALID' })
    expect(seen).toEqual([])
    expect(world.fake.journal).toEqual([])
  })
})

const serviceAccount = {
  type: 'service_account',
  project_id: 'demo-project',
  client_email: email,
  private_key: 'a key',
}
