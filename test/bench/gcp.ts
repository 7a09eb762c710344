import { gcpClass, gcpSecret } from '../cloud/testing/gcp-requests.ts'
import { computeEndpoints, computeGrant } from '../cloud/testing/grants.ts'
import { FakeCompute } from '../fake-compute/server.ts'
import { liveWith, type Subject, weigh } from './provider.ts'

// Part of npm run bench: the GCP plugin. Requests per machine must not grow with the number of machines.

const subject: Subject = { name: '@mcm/plugin-gcp', folder: 'plugins/gcp', provider: 'GCP', config: computeGrant }

await weigh(subject)
for (const count of [20, 200]) {
  await using compute = await FakeCompute.start()
  Object.assign(process.env, computeEndpoints(compute.url))
  const secret = gcpSecret(compute.tokens.serviceAccountKey(compute.project))
  const cloud = { machineClass: gcpClass(), secret, requests: () => compute.journal.length }
  await liveWith(subject, cloud, count)
}
