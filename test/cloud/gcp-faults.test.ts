import { MachineError, waitFor } from '@mcm/sdk'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failureOf } from '../contract/testing/requests.ts'
import { instanceBody } from '../fake-compute/testing/instance-body.ts'
import { gcpTags } from './testing/gcp-requests.ts'
import { pluginAndCompute } from './testing/plugin-and-compute.ts'

let world: Awaited<ReturnType<typeof pluginAndCompute>>
beforeEach(async () => {
  world = await pluginAndCompute()
})
afterEach(async () => await world[Symbol.asyncDispose]())

const count = (action: string) => world.fake.actions.filter((one) => one === action).length
const names = () => world.fake.cloud.instances.map(({ resource }) => resource.name)
const failure = (status: number, reason: string, times = 1) => ({
  action: 'instances.insert',
  times,
  error: { status, reason },
})
const place = { project: 'demo-project', zone: 'europe-west1-b', user: 'somebody' }

/** Repeats a call until the one before, which its caller has given up, has really ended. */
async function onceFree<T>(send: () => Promise<T>): Promise<T> {
  const free = async () =>
    await send().catch((error: unknown) => {
      if (MachineError.is(error) && error.code === 'Aborted') return undefined
      throw error
    })
  return await waitFor(free, { signal: AbortSignal.timeout(30_000), what: 'the machine to be free', intervalMs: 20 })
}

describe('when Compute goes wrong, the GCP plugin', () => {
  it.each([
    ['is throttled', failure(403, 'rateLimitExceeded', 2)],
    ['gets HTTP 503', failure(503, 'backendError', 2)],
    [
      'gets the page of a load balancer',
      { action: 'instances.insert', error: { status: 502, reason: '', text: '<html>' } },
    ],
    ['loses the connection before the launch', { action: 'instances.insert', cut: 'before' as const }],
    ['loses the answer after the launch', { action: 'instances.insert', cut: 'after' as const }],
    ['loses a look at the operation', { action: 'zoneOperations.wait', cut: 'before' as const }],
    [
      'is throttled while it waits',
      { action: 'zoneOperations.wait', times: 2, error: { status: 429, reason: 'rateLimitExceeded' } },
    ],
    ['loses the answer to its login', { action: 'token', cut: 'after' as const }],
  ])('makes one VM though it %s', async (_, fault) => {
    world.fake.faults.add(fault)
    expect((await world.driver.createMachine(world.call('m-1'))).providerID).toBe(
      'gce:///demo-project/europe-west1-b/m-1',
    )
    expect(names()).toEqual(['m-1'])
    const inserts = world.fake.journal.filter(({ action }) => action === 'instances.insert')
    expect(new Set(inserts.map(({ params }) => params.requestId)).size).toBe(1)
  })

  it.each([
    ['C15', ['ZONE_RESOURCE_POOL_EXHAUSTED'], 'ResourceExhausted'],
    ['C15', ['ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS'], 'ResourceExhausted'],
    ['C16', ['QUOTA_EXCEEDED'], 'ResourceExhausted'],
    ['C17', ['QUOTA_EXCEEDED', 'PERMISSIONS_ERROR'], 'ResourceExhausted'],
    ['', ['INTERNAL_ERROR', 'IP_SPACE_EXHAUSTED'], 'ResourceExhausted'],
    ['', ['PERMISSIONS_ERROR'], 'PermissionDenied'],
    ['', ['INVALID_FIELD_VALUE'], 'InvalidArgument'],
    ['', ['CONDITION_NOT_MET'], 'FailedPrecondition'],
    ['', ['INTERNAL_ERROR'], 'Unavailable'],
    ['C21', [], 'Internal'],
  ])('%s: tells an operation that fails with %j as %s, with every text, and leaves no VM', async (_, codes, code) => {
    const errors = codes.map((one) => ({ code: one, message: `about ${one}` }))
    world.fake.faults.add({ action: 'instances.insert', operation: { errors } })
    const failed = await failureOf(world.driver.createMachine(world.call('m-1')))
    expect([failed.code, failed.source]).toEqual([code, 'cloud'])
    for (const { message } of errors) expect(failed.message).toContain(message)
    expect(names()).toEqual([])
  })

  it('tells an operation that only has the status of an error', async () => {
    const operation = { errors: [], hasNoErrorField: true, httpErrorStatusCode: 403, httpErrorMessage: 'FORBIDDEN' }
    world.fake.faults.add({ action: 'instances.insert', operation })
    expect((await failureOf(world.driver.createMachine(world.call('m-1')))).code).toBe('PermissionDenied')
  })

  it('tries anew, with another request id, after an operation that failed', async () => {
    const errors = [{ code: 'ZONE_RESOURCE_POOL_EXHAUSTED', message: 'none left' }]
    world.fake.faults.add({ action: 'instances.insert', operation: { errors } })
    expect((await failureOf(world.driver.createMachine(world.call('m-1')))).code).toBe('ResourceExhausted')
    await world.driver.createMachine(world.call('m-1'))
    expect(names()).toEqual(['m-1'])
  })

  it.each([
    ['quotaExceeded', 403, 'ResourceExhausted', 1],
    ['insufficientCapacity', 503, 'ResourceExhausted', 1],
    ['forbidden', 403, 'PermissionDenied', 1],
    ['authError', 401, 'Unauthenticated', undefined],
    ['conditionNotMet', 412, 'FailedPrecondition', 1],
    ['rateLimitExceeded', 403, 'Unavailable', 3],
    ['backendError', 500, 'Unavailable', 3],
  ])('tells %s (HTTP %i) as %s, after %s requests', async (reason, status, code, requests) => {
    world.fake.faults.add(failure(status, reason, 9))
    const failed = await failureOf(world.driver.createMachine(world.call('m-1')))
    expect(failed).toMatchObject({ code, source: 'cloud', reason })
    // A refused token may be asked for again, or not.
    if (requests !== undefined) expect(count('instances.insert')).toBe(requests)
  })

  it('waits for an operation that takes its time', async () => {
    world.fake.cloud.behaviour.looksUntilDone = 4
    await world.driver.createMachine(world.call('m-1'))
    expect(world.fake.cloud.instances[0]?.resource.status).toBe('RUNNING')
  })

  it('C22: gives up on an operation that is never done before the deadline; the next call finds what became of it', async () => {
    world.fake.cloud.behaviour.looksUntilDone = Number.POSITIVE_INFINITY
    const short = { deadlineMs: Date.now() + 3_000 }
    const failed = await failureOf(world.driver.createMachine(world.call('m-1'), short))
    expect(failed).toMatchObject({ code: 'DeadlineExceeded', source: 'cloud' })
    for (const operation of world.fake.cloud.operations) operation.looksLeft = 1
    await onceFree(() => world.driver.createMachine(world.call('m-1')))
    expect(names()).toEqual(['m-1'])
  })

  it('C56: makes one VM when the answer was lost, and the caller has given up', async () => {
    world.fake.faults.add({ action: 'instances.insert', delayMs: 3_600_000 })
    const short = { deadlineMs: Date.now() + 1_000 }
    expect((await failureOf(world.driver.createMachine(world.call('m-1'), short))).code).toBe('DeadlineExceeded')
    await onceFree(() => world.driver.createMachine(world.call('m-1')))
    const changed = world.call('m-1', { data: { userData: '#cloud-config\n# of another try\n' } })
    await world.driver.createMachine(changed)
    expect(names()).toEqual(['m-1'])
  })

  it('ends with the call when it is cancelled while it waits', async () => {
    world.fake.cloud.behaviour.looksUntilDone = Number.POSITIVE_INFINITY
    const controller = new AbortController()
    const failed = failureOf(world.driver.createMachine(world.call('m-1'), { signal: controller.signal }))
    const waits = async () => count('zoneOperations.wait') > 0 || undefined
    await waitFor(waits, { signal: AbortSignal.timeout(30_000), what: 'the plugin to wait', intervalMs: 10 })
    controller.abort()
    expect((await failed).code).toBe('Canceled')
  })

  it('C20, D7, G6: leaves a VM of the same name alone that has other tags', async () => {
    const others = ['kubernetes-io-cluster-shoot--demo--two', 'kubernetes-io-role-node']
    world.fake.cloud.insertInstance(place, instanceBody('m-1', others))
    expect((await failureOf(world.driver.createMachine(world.call('m-1')))).code).toBe('AlreadyExists')
    expect((await failureOf(world.driver.getMachineStatus(world.call('m-1')))).code).toBe('NotFound')
    expect((await failureOf(world.driver.deleteMachine(world.call('m-1')))).code).toBe('NotFound')
    expect(names()).toEqual(['m-1'])
  })

  it('C19: adopts a VM of the same name that has its tags, and waits for nothing', async () => {
    world.fake.cloud.insertInstance(place, {
      ...instanceBody('m-1', gcpTags),
      machineType: 'zones/europe-west1-b/machineTypes/n2-standard-2',
    })
    expect((await world.driver.createMachine(world.call('m-1'))).providerID).toBe(
      'gce:///demo-project/europe-west1-b/m-1',
    )
    expect(world.fake.actions).toEqual(['token', 'instances.insert', 'instances.get'])
  })

  it('W18, G9: does not stumble over a VM without tags in the zone', async () => {
    await world.driver.createMachine(world.call('m-1'))
    world.fake.cloud.insertInstance(place, instanceBody('m-2'))
    delete world.fake.cloud.instances[1]?.resource.tags
    expect((await world.driver.listMachines(world.classCall())).machineList).toEqual({
      'gce:///demo-project/europe-west1-b/m-1': 'm-1',
    })
    expect((await failureOf(world.driver.getMachineStatus(world.call('m-2')))).code).toBe('NotFound')
  })

  it('L8: makes no short list of a page that fails', async () => {
    world.fake.cloud.behaviour.pageSize = 1
    await Promise.all(['m-1', 'm-2'].map(async (name) => await world.driver.createMachine(world.call(name))))
    world.fake.faults.add({
      action: 'instances.list',
      times: 99,
      laterPages: true,
      error: { status: 500, reason: 'backendError' },
    })
    expect((await failureOf(world.driver.listMachines(world.classCall()))).code).toBe('Unavailable')
  })

  it('does not ask for ever when Compute repeats a page token', async () => {
    await world.driver.createMachine(world.call('m-1'))
    world.fake.cloud.behaviour.repeatsToken = true
    expect((await world.driver.listMachines(world.classCall())).machineList).toEqual({
      'gce:///demo-project/europe-west1-b/m-1': 'm-1',
    })
  })

  it.each([
    ['loses the answer', { action: 'instances.delete', cut: 'after' as const }],
    ['is throttled', { action: 'instances.delete', error: { status: 403, reason: 'rateLimitExceeded' } }],
    ['gets HTTP 500 while it waits', { action: 'zoneOperations.wait', error: { status: 500, reason: 'backendError' } }],
  ])('deletes a VM though it %s', async (_, fault) => {
    await world.driver.createMachine(world.call('m-1'))
    world.fake.faults.add(fault)
    expect(await world.driver.deleteMachine(world.call('m-1'))).toEqual({})
    expect(names()).toEqual([])
  })

  it('D9, W24: tells a deletion whose operation fails, and never as lack of capacity', async () => {
    await world.driver.createMachine(world.call('m-1'))
    world.fake.faults.add({ action: 'instances.delete', operation: { errors: [{ code: 'QUOTA_EXCEEDED' }] } })
    expect((await failureOf(world.driver.deleteMachine(world.call('m-1')))).code).toBe('Unavailable')
    expect(names()).toEqual(['m-1'])
  })

  it('D10: says that a VM is protected', async () => {
    await world.driver.createMachine(world.call('m-1', { spec: { deletionProtection: true } }))
    expect((await failureOf(world.driver.deleteMachine(world.call('m-1')))).code).toBe('FailedPrecondition')
  })

  it('logs in anew when its token is refused before its time', async () => {
    await world.driver.createMachine(world.call('m-1'))
    world.fake.tokens.revokeAll()
    expect((await world.driver.getMachineStatus(world.call('m-1'))).nodeName).toBe('m-1')
    expect(count('token')).toBe(2)
  })
})
