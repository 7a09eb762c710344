import { once } from 'node:events'
import { createServer } from 'node:http'
import { afterEach, expect, it } from 'vitest'
import { inlineRouter } from '../../host/src/testing/inline-host.ts'
import plugin from '../../plugins/aws/src/index.ts'
import { failureOf } from '../contract/testing/requests.ts'
import { awsClass, machine, secret } from './testing/aws-requests.ts'

const names = [
  'HTTPS_PROXY',
  'AWS_USE_FIPS_ENDPOINT',
  'AWS_USE_DUALSTACK_ENDPOINT',
  'AWS_PROFILE',
  'AWS_ACCESS_KEY_ID',
  'AWS_ENDPOINT_URL',
]
afterEach(() => {
  for (const name of names) delete process.env[name]
})

it.each<[string, Record<string, string>, string]>([
  ['eu-west-1', {}, 'ec2.eu-west-1.amazonaws.com:443'],
  ['cn-north-1', {}, 'ec2.cn-north-1.amazonaws.com.cn:443'],
  ['us-east-1', { AWS_USE_FIPS_ENDPOINT: 'true' }, 'ec2-fips.us-east-1.amazonaws.com:443'],
  ['eu-west-1', { AWS_USE_DUALSTACK_ENDPOINT: 'true' }, 'ec2.eu-west-1.api.aws:443'],
  // What the manifest does not ask for has no effect.
  ['eu-west-1', { AWS_ENDPOINT_URL: 'http://127.0.0.1:1', AWS_PROFILE: 'nope' }, 'ec2.eu-west-1.amazonaws.com:443'],
])('asks the endpoint of %s with %j through the proxy of the machine', async (region, env, target) => {
  const targets = new Set<string>()
  const proxy = createServer().on('connect', (request, socket) => {
    targets.add(request.url ?? '')
    socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const address = proxy.address()
  Object.assign(process.env, {
    HTTPS_PROXY: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    ...env,
  })
  const { driver, supervisors } = inlineRouter([plugin])
  const account = { ami: 'ami-1', subnet: 'subnet-1', group: 'sg-1' }
  const call = { machine: machine('m-1'), machineClass: awsClass(account, { region }), secret: secret() }
  const failed = await failureOf(driver.createMachine(call))
  await Promise.all(supervisors.map((supervisor) => supervisor.close(0)))
  proxy.close()
  expect([...targets]).toEqual([target])
  expect(failed).toMatchObject({ code: 'Unavailable', source: 'cloud' })
})
