import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FakeCompute } from '../fake-compute/server.ts'
import { instanceBody } from '../fake-compute/testing/instance-body.ts'

let fake: FakeCompute
let authorization: string
beforeAll(async () => {
  fake = await FakeCompute.start()
  fake.cloud.insertInstance(place, instanceBody('there'))
  authorization = `Bearer ${fake.tokens.issue('test@example.com', 'demo-project')}`
})
afterAll(async () => await fake[Symbol.asyncDispose]())

const place = { project: 'demo-project', zone: 'europe-west1-b', user: 'test' }
const zone = 'projects/demo-project/zones/europe-west1-b'

async function ask(method: string, path: string, body?: unknown, headers: Record<string, string> = { authorization }) {
  const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) }
  const answer = await fetch(`${fake.url}/compute/v1/${path}`, init)
  return { status: answer.status, text: await answer.text() }
}

/** What is said about an instance that is as it should be, but for some changes. */
async function complaint(changes: object, query = ''): Promise<string> {
  const { text } = await ask('POST', `${zone}/instances${query}`, { ...instanceBody('odd'), ...changes })
  return JSON.parse(text).error?.message ?? 'OK'
}

const disk = instanceBody('odd').disks?.[0]
const wrong = (field: string, value: string, why: string) =>
  `Invalid value for field 'resource.${field}': '${value}'. ${why}`

describe('the fake Compute refuses', () => {
  it.each([
    [
      'an unknown field',
      { zones: 'x' },
      `Invalid JSON payload received. Unknown name "zones" at 'resource': Cannot find field.`,
    ],
    [
      'one inside a list',
      { disks: [{ ...disk, size: 1 }] },
      `Invalid JSON payload received. Unknown name "size" at 'resource.disks[0]': Cannot find field.`,
    ],
    ['a text for a boolean', { canIpForward: 'true' }, `Invalid value at 'resource.canIpForward' (boolean), "true"`],
    ['a number for a text', { description: 1 }, `Invalid value at 'resource.description' (string), 1`],
    [
      'a text for a number',
      { guestAccelerators: [{ acceleratorCount: 'one' }] },
      `Invalid value at 'resource.guestAccelerators[0].acceleratorCount' (integer), "one"`,
    ],
    [
      'an unknown word',
      { scheduling: { onHostMaintenance: 'migrate' } },
      `Invalid value at 'resource.scheduling.onHostMaintenance' (enum), "migrate"`,
    ],
    ['a text of a label that is none', { labels: { a: 1 } }, `Invalid value at 'resource.labels.a' (string), 1`],
    [
      'a label in capitals',
      { labels: { A: 'b' } },
      wrong('labels', 'A=b', 'Label keys and values are lower case, at most 63.'),
    ],
    [
      'a network tag with a dot',
      { tags: { items: ['a.b'] } },
      wrong('tags.items[0]', 'a.b', "Must be a match of regex '(?:[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?)'"),
    ],
    [
      'a key of metadata twice',
      { metadata: { items: [{ key: 'a' }, { key: 'a' }] } },
      wrong('metadata', 'a', 'Metadata has duplicate key: a'),
    ],
    [
      'two boot disks',
      { disks: [disk, disk] },
      wrong('disks[1]', '', 'Only one boot disk can be attached to an instance.'),
    ],
    [
      'preemptible with automatic restart',
      { scheduling: { preemptible: true, automaticRestart: true } },
      wrong(
        'scheduling.preemptible',
        'true',
        'Scheduling must have preemptible be false when AutomaticRestart is true.',
      ),
    ],
    [
      'a GPU that is to migrate',
      {
        guestAccelerators: [
          { acceleratorType: 'zones/europe-west1-b/acceleratorTypes/nvidia-tesla-t4', acceleratorCount: 1 },
        ],
      },
      'Instances with guest accelerators do not support live migration.',
    ],
    [
      'a subnetwork of another region',
      { networkInterfaces: [{ subnetwork: 'regions/us-central1/subnetworks/default' }] },
      "The resource 'projects/demo-project/regions/us-central1/subnetworks/default' was not found",
    ],
  ])('%s', async (_, changes, message) => {
    expect(await complaint(changes)).toBe(message)
  })

  it.each([
    [
      'an unknown parameter',
      '?requestID=1',
      'Invalid JSON payload received. Unknown name "requestID": Cannot bind query parameter.',
    ],
    ['a parameter twice', '?requestId=1&requestId=2', "Invalid value for field 'requestId': '2'. It is given twice."],
    [
      'a request id that is no UUID',
      '?requestId=1',
      "Invalid value for field 'requestId': '1'. Must be a valid UUID, and not the zero UUID.",
    ],
  ])('%s', async (_, query, message) => {
    expect(await complaint({}, query)).toBe(message)
  })

  it.each([
    ['a request without a token', {}, 401],
    ['a token that nobody has given', { authorization: 'Bearer ya29.x' }, 401],
    ['a token of another kind', { authorization: 'Basic eDp4' }, 401],
  ])('%s', async (_, headers, status) => {
    expect((await ask('GET', `${zone}/instances`, undefined, headers)).status).toBe(status)
  })

  it.each([
    ['a path that there is not', 'GET', `${zone}/machines`, 404],
    ['a method that it does not have', 'POST', `${zone}/instances/a/stop`, 501],
    ['a name in capitals', 'GET', `${zone}/instances/A`, 400],
    ['a filter by network tags', 'GET', `${zone}/instances?filter=tags.items%3Da`, 400],
    ['a page token of another filter', 'GET', `${zone}/instances?pageToken=WzEsIiJd&filter=name%3Da`, 400],
  ])('%s', async (_, method, path, status) => {
    expect((await ask(method, path)).status).toBe(status)
  })
})

it('takes output-only fields and null, and says in its journal which fields it has ignored', async () => {
  expect(await complaint({ kind: 'compute#instance', status: 'TERMINATED', description: null })).toBe('OK')
  expect(fake.journal.at(-1)?.ignored).toEqual(['resource.kind', 'resource.status'])
  expect(JSON.parse((await ask('GET', `${zone}/instances/odd`)).text).status).toBe('RUNNING')
})

it('answers the fields that are asked for', async () => {
  const { text } = await ask('GET', `${zone}/instances/odd?fields=name,tags/items,disks(boot,index)`)
  expect(JSON.parse(text)).toEqual({
    name: 'odd',
    tags: { items: instanceBody('odd').tags?.items },
    disks: [{ boot: true, index: 0 }],
  })
})

describe('a planned fault', () => {
  const insert = async (name: string) => await ask('POST', `${zone}/instances`, instanceBody(name))
  const names = () => fake.cloud.instances.map(({ resource }) => resource.name)

  it("is an error in Google's form, and nothing happens", async () => {
    fake.faults.add({
      action: 'instances.insert',
      error: { status: 403, reason: 'rateLimitExceeded', message: 'Slow' },
    })
    const { status, text } = await insert('f-1')
    const errors = [{ message: 'Slow', domain: 'usageLimits', reason: 'rateLimitExceeded' }]
    expect([status, JSON.parse(text)]).toEqual([403, { error: { code: 403, message: 'Slow', errors } }])
    expect(names()).not.toContain('f-1')
  })

  it('is an operation that fails later, with all its errors, and leaves no VM', async () => {
    const errors = [{ code: 'QUOTA_EXCEEDED', message: 'q' }, { code: 'OTHER' }]
    fake.faults.add({ action: 'instances.insert', operation: { errors, httpErrorStatusCode: 403 } })
    const { name, status } = JSON.parse((await insert('f-2')).text)
    expect([status, names().includes('f-2')]).toEqual(['PENDING', true])
    const { text } = await ask('POST', `${zone}/operations/${name}/wait`)
    expect(JSON.parse(text)).toMatchObject({ status: 'DONE', error: { errors }, httpErrorStatusCode: 403 })
    expect(names()).not.toContain('f-2')
  })

  it.each([
    ['before', false],
    ['after', true],
  ] as const)('cuts the connection %s all is done', async (cut, isMade) => {
    fake.faults.add({ action: 'instances.insert', machine: `f-${cut}`, cut })
    await expect(insert(`f-${cut}`)).rejects.toThrow('fetch failed')
    expect(names().includes(`f-${cut}`)).toBe(isMade)
  })

  it('hides a new VM from the first looks', async () => {
    fake.cloud.behaviour.hiddenFor = 1
    await insert('f-3')
    fake.cloud.behaviour.hiddenFor = 0
    expect(() => fake.cloud.lookAtInstance(place, 'f-3')).toThrow('was not found')
    expect(fake.cloud.lookAtInstance(place, 'f-3').name).toBe('f-3')
  })
})
