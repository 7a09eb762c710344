import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { endpointGrant } from '../../test/cloud/testing/grants.ts'
import { FakeEc2 } from '../../test/fake-ec2/server.ts'

/** What EC2 does for each kind of trouble. */
const troubles = {
  throttled: { error: { code: 'RequestLimitExceeded', status: 503 } },
  outOfCapacity: { error: { code: 'InsufficientInstanceCapacity', status: 500 } },
  unauthorised: { error: { code: 'AuthFailure', status: 401 } },
  timeout: { error: { code: 'RequestTimeout', status: 504 } },
  serverError: { error: { code: 'InternalError', status: 500 } },
  resetAfterExecution: { cut: 'after' },
  hang: { delayMs: 3_600_000 },
  laterPage: { error: { code: 'InternalError', status: 500 }, laterPages: true },
}

/** The requests by which each method does its work. */
const actions = {
  createMachine: ['RunInstances'],
  initializeMachine: ['ModifyNetworkInterfaceAttribute'],
  deleteMachine: ['TerminateInstances'],
  getMachineStatus: ['DescribeInstances'],
  listMachines: ['DescribeInstances'],
}

/** The conformance kit's ways into the fake EC2. */
export default async function hooks({ environment }) {
  const ec2 = await FakeEc2.start()
  process.env.AWS_ENDPOINT_URL_EC2 = ec2.url
  // What the host is told, whom the kit starts: the plugin does not ask for the variable. JSON is YAML.
  process.env.MCM_CONFIG = join(environment.MCM_CONFORMANCE_TMP, 'host.yaml')
  await writeFile(process.env.MCM_CONFIG, JSON.stringify(endpointGrant))
  // So that a list has several pages.
  ec2.account.behaviour.pageSize = 7
  const nameOf = ({ tags }) => tags.find(({ Key }) => Key === 'Name')?.Value ?? ''
  const living = () => ec2.account.instances.filter(({ state }) => state === 'pending' || state === 'running')
  return {
    fault: async ({ kind, method, machine }) => {
      for (const action of actions[method] ?? []) {
        ec2.faults.add({ action, times: Number.POSITIVE_INFINITY, ...(machine && { machine }), ...troubles[kind] })
      }
    },
    clearFaults: async () => ec2.faults.clear(),
    vms: async () => living().map(nameOf),
    userDataSha256: async (machine) => {
      const found = living().find((instance) => nameOf(instance) === machine)
      const bytes = Buffer.from(found?.request.UserData ?? '', 'base64')
      return found ? createHash('sha256').update(bytes).digest('hex') : ''
    },
    duplicate: async (machine) => {
      const { request } = living().find((instance) => nameOf(instance) === machine)
      ec2.account.runInstances({ ...request, ClientToken: undefined }, 'eu-west-1')
    },
    countCalls: async () => ec2.journal.length,
    close: async () => await ec2[Symbol.asyncDispose](),
  }
}
