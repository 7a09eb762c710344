import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { computeEndpoints, computeGrant } from '../../test/cloud/testing/grants.ts'
import { FakeCompute } from '../../test/fake-compute/server.ts'

/** What Compute does for each kind of trouble. */
const troubles = {
  throttled: { error: { status: 403, reason: 'rateLimitExceeded' } },
  outOfCapacity: { operation: { errors: [{ code: 'ZONE_RESOURCE_POOL_EXHAUSTED', message: 'injected' }] } },
  unauthorised: { error: { status: 401, reason: 'authError' } },
  timeout: { error: { status: 504, reason: 'backendError' } },
  serverError: { error: { status: 500, reason: 'internalError' } },
  resetAfterExecution: { cut: 'after' },
  hang: { delayMs: 3_600_000 },
  laterPage: { error: { status: 500, reason: 'internalError' }, laterPages: true },
}

/** The requests by which each method does its work. */
const actions = {
  createMachine: 'instances.insert',
  deleteMachine: 'instances.delete',
  getMachineStatus: 'instances.get',
  listMachines: 'instances.list',
}

/** The conformance kit's ways into the fake Compute. */
export default async function hooks({ setup, environment }) {
  const compute = await FakeCompute.start()
  Object.assign(process.env, computeEndpoints(compute.url))
  // What the host is told, whom the kit starts: the plugin does not ask for the variables. JSON is YAML.
  process.env.MCM_CONFIG = join(environment.MCM_CONFORMANCE_TMP, 'host.yaml')
  await writeFile(process.env.MCM_CONFIG, JSON.stringify(computeGrant))
  // A sample cannot have a key that is good for anything.
  const key = JSON.stringify(compute.tokens.serviceAccountKey(compute.project))
  for (const { secret } of [setup.main, setup.otherCluster, setup.incompatible]) {
    secret.data.serviceAccountJSON = Buffer.from(key)
  }
  // So that a list has several pages.
  compute.cloud.behaviour.pageSize = 7
  const living = () => {
    return compute.cloud.instances.map(({ resource }) => resource).filter(({ status }) => status !== 'STOPPING')
  }
  return {
    fault: async ({ kind, method, machine }) => {
      const action = actions[method]
      compute.faults.add({ action, times: Number.POSITIVE_INFINITY, ...(machine && { machine }), ...troubles[kind] })
    },
    clearFaults: async () => compute.faults.clear(),
    vms: async () => living().map(({ name }) => name),
    userDataSha256: async (machine) => {
      const items = living().find(({ name }) => name === machine)?.metadata.items ?? []
      const found = items.find(({ key }) => key === 'user-data' || key === 'startup-script')
      return found ? createHash('sha256').update(found.value).digest('hex') : ''
    },
    countCalls: async () => compute.journal.length,
    close: async () => await compute[Symbol.asyncDispose](),
  }
}
