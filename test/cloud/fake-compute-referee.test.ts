import { access, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { run } from '../env/run.ts'
import { ensureGooglePackages } from '../fake-compute/google-packages.ts'
import { FakeCompute } from '../fake-compute/server.ts'

const options = { signal: AbortSignal.timeout(600_000), confirm: async () => true, log: () => {} }
const project = 'demo-project'
const zone = 'europe-west1-b'
const path = `projects/${project}/zones/${zone}`
const tags = ['kubernetes-io-cluster-one', 'kubernetes-io-role-node']

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcm-referee-'))
})
afterAll(async () => await rm(folder, { recursive: true }))

let fake: FakeCompute
beforeEach(async () => {
  fake = await FakeCompute.start()
  // Operations are seen to begin, to run and to end.
  fake.cloud.behaviour.looksUntilDone = 2
})
afterEach(async () => await fake[Symbol.asyncDispose]())

async function fileWith(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text)
  return join(folder, name)
}

/** What a client that we did not write is answered. */
async function answers(script: string, ...args: string[]): Promise<Record<string, unknown>> {
  const file = fileURLToPath(new URL(script, import.meta.url))
  const python = await ensureGooglePackages(options)
  return JSON.parse((await run(python, [file, fake.url, ...args], { signal: options.signal })).stdout)
}

const refused = (status: number, reason: string, message: string) => ({ status, reason: [reason], message })
const invalid = (field: string, value: string, why: string) => {
  return refused(400, 'invalid', `Invalid value for field '${field}': '${value}'. ${why}`)
}
const missing = (what: string) => refused(404, 'notFound', `The resource '${path}/${what}' was not found`)

it("Google's own client creates, lists, describes and deletes at the fake Compute, and gets tokens", async () => {
  const key = await fileWith('key.json', JSON.stringify(fake.tokens.serviceAccountKey(project)))
  const subject = await fileWith('subject-token', fake.tokens.subjectToken())
  const inserted = { type: 'insert', begins: 'PENDING', ends: 'DONE', progress: 100, errors: [] }
  expect(await answers('./google_referee.py', key, zone, fake.tokens.audience, subject)).toEqual({
    insert: inserted,
    'insert again': refused(409, 'alreadyExists', `The resource '${path}/instances/a' already exists`),
    'request id': inserted,
    'request id again': { ...inserted, begins: 'DONE' },
    'bad request id': invalid(
      'requestId',
      '00000000-0000-0000-0000-000000000000',
      'Must be a valid UUID, and not the zero UUID.',
    ),
    another: inserted,
    shape: {
      status: 'RUNNING',
      tags,
      fingerprints: [true, true, true],
      labels: { name: 'a' },
      metadata: { 'user-data': '#cloud-config\n' },
      machine: `${path}/machineTypes/n1-standard-2`,
      zone: path,
      network: `projects/${project}/global/networks/default`,
      addresses: [true, true],
      disk: [`${path}/disks/a`, 20, true, true],
    },
    disk: [20, ['a']],
    'disk in use': refused(
      400,
      'resourceInUseByAnotherResource',
      `The disk resource '${path}/disks/a' is already being used by an instance`,
    ),
    'no instance': missing('instances/missing'),
    'no machine type': invalid(
      'resource.machineType',
      `zones/${zone}/machineTypes/x9-huge`,
      `Machine type with name 'x9-huge' does not exist in zone '${zone}'.`,
    ),
    'bare machine type': invalid('resource.machineType', 'n1-standard-2', 'The URL is malformed.'),
    'bad name': invalid('resource.name', 'D_1', "Must be a match of regex '(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)'"),
    'no disk': invalid('resource.disks', '', 'Boot disk must be the first disk attached to the instance.'),
    'no network': invalid('resource.networkInterfaces', '', 'At least one network interface is required.'),
    all: ['a', 'b', 'c'],
    'by name': ['b'],
    'by label': ['a'],
    'bad filter': invalid('filter', 'name =', 'Invalid list filter expression.'),
    pages: [['a', 'b'], ['c']],
    everywhere: { [`zones/${zone}`]: ['a', 'b', 'c'] },
    'other zone': [],
    'unknown zone': invalid('zone', 'mars-east1-a', 'Unknown zone.'),
    'other project': refused(403, 'forbidden', "Required permission for 'projects/another-project'"),
    delete: ['delete', 'PENDING', 'STOPPING', 'DONE'],
    deleted: missing('instances/a'),
    'disk of deleted': missing('disks/a'),
    'delete unknown': missing('instances/a'),
    protected: refused(
      400,
      'invalidResourceUsage',
      "Invalid resource usage: 'Resource cannot be deleted if it's protected against deletion.'.",
    ),
    'token of a key': ['b', 'c', 'e'],
    'exchanged token': ['b', 'c', 'e'],
    impersonated: ['b', 'c', 'e'],
    'other audience': 'Error code invalid_request: Invalid value for "audience"',
    'unknown account': 'invalid_grant: Invalid grant: account not found',
  })
})

it('Apache Libcloud creates, lists, describes and deletes at the fake Compute', async () => {
  const key = fake.tokens.serviceAccountKey(project)
  const inAnHour = `${new Date(Date.now() + 3_600_000).toISOString().slice(0, 19)}Z`
  const token = { access_token: fake.tokens.issue(key.client_email ?? '', project), expire_time: inAnHour }
  const keyFile = await fileWith('libcloud-key.json', JSON.stringify(key))
  const tokenFile = await fileWith('libcloud-token.json', JSON.stringify(token))
  const exists = { error: 'ResourceExistsError', status: 409, reason: 'alreadyExists' }
  expect(await answers('./libcloud_referee.py', keyFile, zone, tokenFile)).toEqual({
    zones: [...fake.cloud.catalogue.regions.values()].flat(),
    create: ['lib-a', 'running', 'n1-standard-2', tags, 1, 1],
    'create again': exists,
    'create another': ['lib-b', 'running', 'n1-standard-2', tags, 1, 1],
    list: ['lib-a', 'lib-b'],
    'list all': ['lib-a', 'lib-b'],
    describe: ['RUNNING', tags],
    volumes: ['lib-a', 'lib-b'],
    delete: true,
    // Libcloud reads the reason of a 404 from elsewhere.
    deleted: { error: 'ResourceNotFoundError', status: 404, reason: null },
  })
})

const hasGcloud = await access('/usr/bin/gcloud').then(
  () => true,
  () => false,
)
if (!hasGcloud) console.log('gcloud is not here, and no registry has it: it is no referee this time')

it.runIf(hasGcloud)('gcloud creates, lists, describes and deletes at the fake Compute', async () => {
  const env = {
    CLOUDSDK_CONFIG: join(folder, 'gcloud'),
    CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: `${fake.url}/compute/v1/`,
    CLOUDSDK_AUTH_ACCESS_TOKEN_FILE: await fileWith('gcloud-token', fake.tokens.issue('user@example.com', project)),
    CLOUDSDK_CORE_PROJECT: project,
    CLOUDSDK_CORE_DISABLE_USAGE_REPORTING: 'true',
    CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK: 'true',
  }
  const gcloud = async (...args: string[]) => {
    const whole = ['compute', 'instances', ...args, '--quiet', '--format=json(name,status,tags.items)']
    return JSON.parse((await run('/usr/bin/gcloud', whole, { signal: options.signal, env })).stdout || 'null')
  }
  const image = ['--image=debian-13-trixie-v20261015', '--image-project=debian-cloud']
  const machine = ['gc-a', `--zone=${zone}`]
  const seen = { name: 'gc-a', status: 'RUNNING', tags: { items: tags } }
  expect(await gcloud('create', ...machine, '--machine-type=e2-medium', ...image, `--tags=${tags}`)).toEqual([seen])
  expect(await gcloud('list')).toEqual([seen])
  expect(await gcloud('describe', ...machine)).toEqual(seen)
  await gcloud('delete', ...machine)
  expect(await gcloud('list')).toEqual([])
})
