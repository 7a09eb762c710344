import type { JsonObject } from '@mcm/sdk'
import { inlineRouter } from '../../../host/src/testing/inline-host.ts'
import plugin from '../../../plugins/gcp/src/index.ts'
import { FakeCompute } from '../../fake-compute/server.ts'
import { machine } from './aws-requests.ts'
import { gcpClass, gcpSecret } from './gcp-requests.ts'
import { computeEndpoints } from './grants.ts'

/** The GCP plugin in a host in this process, and a fake Compute of its own. */
export async function pluginAndCompute() {
  const fake = await FakeCompute.start()
  const variables = computeEndpoints(fake.url)
  // Read whenever a client is made, which each host does anew.
  Object.assign(process.env, variables)
  const key = fake.tokens.serviceAccountKey(fake.project)
  const { driver, supervisors, metrics } = inlineRouter([plugin])
  return {
    fake,
    driver,
    metrics,
    /** A request about a machine. */
    call: (name: string, { spec = {}, data = {} }: { spec?: JsonObject; data?: Record<string, string> } = {}) => ({
      machine: machine(name),
      machineClass: gcpClass(spec),
      secret: gcpSecret(key, data),
    }),
    /** A request about the class. */
    classCall: () => ({ machineClass: gcpClass(), secret: gcpSecret(key) }),
    async [Symbol.asyncDispose]() {
      for (const name of Object.keys(variables)) delete process.env[name]
      await Promise.all(supervisors.map((supervisor) => supervisor.close(0)))
      await fake[Symbol.asyncDispose]()
    },
  }
}
