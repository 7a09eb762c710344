import type { JsonObject } from '@mcm/sdk'
import { inlineRouter } from '../../../host/src/testing/inline-host.ts'
import plugin from '../../../plugins/aws/src/index.ts'
import { FakeEc2 } from '../../fake-ec2/server.ts'
import { awsClass, machine, secret } from './aws-requests.ts'

/** The AWS plugin in a host in this process, and a fake EC2 of its own. */
export async function pluginAndFake() {
  const fake = await FakeEc2.start()
  // Read whenever a client is made, which each host does anew.
  process.env.AWS_ENDPOINT_URL_EC2 = fake.url
  process.env.AWS_ENDPOINT_URL_STS = fake.url
  const { driver, supervisors, metrics } = inlineRouter([plugin])
  return {
    fake,
    driver,
    metrics,
    /** A request about a machine. */
    call: (name: string, { providerID, spec = {}, data }: CallParts = {}) => ({
      machine: machine(name, providerID),
      machineClass: awsClass(fakeNetwork, spec),
      secret: secret(data),
    }),
    /** A request about a class. */
    classCall: ({ spec = {}, data }: Omit<CallParts, 'providerID'> = {}) => ({
      machineClass: awsClass(fakeNetwork, spec),
      secret: secret(data),
    }),
    async [Symbol.asyncDispose]() {
      delete process.env.AWS_ENDPOINT_URL_EC2
      delete process.env.AWS_ENDPOINT_URL_STS
      await Promise.all(supervisors.map((supervisor) => supervisor.close(0)))
      await fake[Symbol.asyncDispose]()
    },
  }
}

interface CallParts {
  providerID?: string
  spec?: JsonObject
  data?: Record<string, string>
}

const fakeNetwork = { ami: 'ami-0123456789abcdef0', subnet: 'subnet-0123456789abcdef0', group: 'sg-0123456789abcdef0' }
