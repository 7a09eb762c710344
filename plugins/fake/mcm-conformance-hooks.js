import { controlCloud } from '@mcm/plugin-fake/cloud'

/** What the cloud does for each kind of trouble. */
const troubles = {
  throttled: { error: 'Throttled' },
  outOfCapacity: { error: 'InsufficientCapacity' },
  unauthorised: { error: 'InvalidToken' },
  timeout: { error: 'RequestTimeout' },
  serverError: { error: 'ServiceUnavailable' },
  resetAfterExecution: { error: 'ConnectionReset', afterExecution: true },
  hang: { delayMs: 3_600_000 },
}

/** The conformance kit's ways into the simulated cloud. */
export default async function hooks({ setup }) {
  const cloud = await controlCloud(setup.main.machineClass.providerSpec.endpoint)
  // So that a list has several.
  await cloud.set({ pageSize: 7 })
  const living = async () => (await cloud.instances()).filter(({ state }) => state === 'pending' || state === 'running')
  return {
    fault: async ({ kind, method, machine }) =>
      await cloud.inject({ ...troubles[kind], on: method, times: 'always', ...(machine && { machine }) }),
    clearFaults: async () => await cloud.clearFaults(),
    vms: async () => (await living()).map(({ name }) => name),
    userDataSha256: async (machine) => (await living()).find(({ name }) => name === machine)?.userData?.sha256 ?? '',
    advanceClock: async (seconds) => await cloud.advance(seconds * 1000),
    close: () => cloud.close(),
  }
}
