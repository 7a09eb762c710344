import { endpointGrant } from '../cloud/testing/grants.ts'
import { FakeEc2 } from '../fake-ec2/server.ts'
import { demonstrate, root } from './demo.ts'

// npm run demo:aws: without an account. EC2 is one that runs in this process, in memory.

async function start(cleanup: AsyncDisposableStack) {
  const ec2 = cleanup.use(await FakeEc2.start())
  process.env.AWS_ENDPOINT_URL_EC2 = ec2.url
  process.env.AWS_ENDPOINT_URL_STS = ec2.url
  return {
    name: 'EC2',
    url: ec2.url,
    config: endpointGrant,
    cwd: root,
    get actions() {
      return ec2.actions
    },
  }
}

await demonstrate(start, async (show) => {
  const files = ['-f', 'kubernetes/aws']
  await show('machine', 'create', ...files)
  await show('machine', 'create', ...files)
  console.log('  (again: it finds the VM that is there)')
  await show('machine', 'initialize', ...files)
  await show('machine', 'status', ...files, '-o', 'wide')
  await show('machine', 'list', ...files)
  await show('machine', 'delete', ...files)
  await show('machine', 'list', ...files)
})
