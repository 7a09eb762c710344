import { randomUUID } from 'node:crypto'
import { connectCloud, controlCloud } from '@mcm/plugin-fake/cloud'

/** What the cloud does for each kind of trouble. */
const troubles = {
  throttled: { error: 'Throttled' },
  outOfCapacity: { error: 'InsufficientCapacity' },
  unauthorised: { error: 'InvalidToken' },
  timeout: { error: 'RequestTimeout' },
  serverError: { error: 'ServiceUnavailable' },
  resetAfterExecution: { error: 'ConnectionReset', afterExecution: true },
  hang: { delayMs: 3_600_000 },
  laterPage: { on: 'listInstances', error: 'ServiceUnavailable', laterPages: true },
}

/** The conformance kit's ways into the simulated cloud. */
export default async function hooks({ setup }) {
  const { endpoint } = setup.main.machineClass.providerSpec
  const cloud = await controlCloud(endpoint)
  // So that a list has several.
  await cloud.set({ pageSize: 7 })
  const living = async () => (await cloud.instances()).filter(({ state }) => state === 'pending' || state === 'running')
  return {
    fault: async ({ kind, method, machine }) =>
      await cloud.inject({ on: method, ...troubles[kind], times: 'always', ...(machine && { machine }) }),
    clearFaults: async () => await cloud.clearFaults(),
    vms: async () => (await living()).map(({ name }) => name),
    userDataSha256: async (machine) => (await living()).find(({ name }) => name === machine)?.userData?.sha256 ?? '',
    duplicate: async (machine) => {
      const { id, createdAt, userData, initialized, ...instance } = (await living()).find(
        ({ name }) => name === machine,
      )
      const signal = AbortSignal.timeout(10_000)
      const client = await connectCloud({ endpoint, token: `${instance.account}:hooks`, signal })
      const wanted = { ...instance, clientToken: randomUUID(), bootMs: 0, needsInitialization: false }
      await client.createInstance(wanted, { signal }).finally(() => client.close())
    },
    advanceClock: async (seconds) => await cloud.advance(seconds * 1000),
    close: () => cloud.close(),
  }
}
