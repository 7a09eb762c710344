import { awsClass, secret } from '../cloud/testing/aws-requests.ts'
import { endpointGrant } from '../cloud/testing/grants.ts'
import { FakeEc2 } from '../fake-ec2/server.ts'
import { liveWith, type Subject, weigh } from './provider.ts'

// Part of npm run bench: the AWS plugin. Requests per machine must not grow with the number of machines.

const subject: Subject = { name: '@mcm/plugin-aws', folder: 'plugins/aws', provider: 'AWS', config: endpointGrant }
const account = { ami: 'ami-0123456789abcdef0', subnet: 'subnet-0123456789abcdef0', group: 'sg-0123456789abcdef0' }

await weigh(subject)
for (const count of [20, 200]) {
  await using ec2 = await FakeEc2.start()
  process.env.AWS_ENDPOINT_URL_EC2 = ec2.url
  const cloud = { machineClass: awsClass(account), secret: secret(), requests: () => ec2.journal.length }
  await liveWith(subject, cloud, count)
}
