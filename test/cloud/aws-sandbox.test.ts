import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtFile } from '../contract/testing/built-program.ts'
import { type HostProcess, startHost } from '../contract/testing/host-process.ts'
import { failureOf } from '../contract/testing/requests.ts'
import { FakeEc2 } from '../fake-ec2/server.ts'
import { awsClass, machine, secret } from './testing/aws-requests.ts'
import { type StandIn, startStandIn } from './testing/stand-in.ts'

// The plugin in its sandbox, as it is installed. It asks for the endpoints of Amazon, at which a fake answers.

let folder: string
let ec2: FakeEc2
let amazon: StandIn
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcm-aws-'))
  ec2 = await FakeEc2.start()
  amazon = await startStandIn(ec2.url, ['*.eu-west-1.amazonaws.com'], join(folder, 'ca.pem'))
})
afterAll(async () => {
  await amazon?.[Symbol.asyncDispose]()
  await ec2?.[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

async function hostWith(grant?: object): Promise<HostProcess> {
  return await startHost({
    plugins: [builtFile('plugins/aws')],
    ...(grant && { config: { pluginPolicy: { grant: { '@mcm/plugin-aws': grant } } } }),
    env: { ...amazon.env, ...nobodysBusiness },
  })
}

// What the host has, and the plugin must not even see.
const nobodysBusiness = {
  AWS_ENDPOINT_URL_EC2: 'http://127.0.0.1:1',
  AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:1',
  AWS_ACCESS_KEY_ID: 'of-the-host',
  AWS_SECRET_ACCESS_KEY: 'of-the-host',
  AWS_PROFILE: 'of-the-host',
}
const account = { ami: 'ami-0123456789abcdef0', subnet: 'subnet-0123456789abcdef0', group: 'sg-0123456789abcdef0' }
const spec = { srcAndDstChecksEnabled: false }
const call = (name: string, data?: Record<string, string>) => ({
  machine: machine(name),
  machineClass: awsClass(account, spec),
  secret: secret(data),
})

describe('with the network only, which is all that its manifest asks for, the AWS plugin', () => {
  it('asks for nothing else', async () => {
    const { mcm } = JSON.parse(await readFile(builtFile('plugins/aws/package.json'), 'utf8'))
    expect(mcm.permissions).toEqual({ net: ['*'] })
  })

  it('makes, finds, sets up, lists and removes a VM at the endpoints of Amazon', async () => {
    await using host = await hostWith()
    await using driver = host.connect()
    const made = await driver.createMachine(call('m-1'))
    expect((await failureOf(driver.getMachineStatus(call('m-1')))).code).toBe('Uninitialized')
    await driver.initializeMachine(call('m-1'))
    expect(await driver.getMachineStatus(call('m-1'))).toEqual(made)
    const { machineClass } = call('m-1')
    expect(await driver.listMachines({ machineClass, secret: secret() })).toEqual({
      machineList: { [made.providerID]: 'm-1' },
    })
    expect(await driver.deleteMachine(call('m-1'))).toEqual({})
    expect(await driver.listMachines({ machineClass, secret: secret() })).toEqual({ machineList: {} })
    expect([...amazon.targets]).toEqual(['ec2.eu-west-1.amazonaws.com:443'])
    expect(new Set(ec2.journal.map(({ accessKeyId }) => accessKeyId))).toEqual(new Set(['test-access-key']))
  })

  it('cannot read a token, and says what to grant', async () => {
    await using host = await hostWith()
    await using driver = host.connect()
    const mount = join(folder, 'mount')
    const data = { workloadIdentityTokenFile: join(mount, 'token'), roleARN: 'arn:aws:iam::123456789012:role/machines' }
    expect(await failureOf(driver.createMachine(call('m-1', data)))).toEqual({
      code: 'Unauthenticated',
      source: 'host',
      retry: 'after-change',
      message: `cannot read the web identity token in ${mount} (ERR_ACCESS_DENIED): its operator has to grant it in the configuration of the host, as pluginPolicy: {grant: {"@mcm/plugin-aws": {files: ["read:${mount}"]}}}`,
    })
  })
})

describe('with what an operator grants beyond that, the AWS plugin', () => {
  it('logs in with a token that is mounted as Kubernetes does it, also after its renewal', async () => {
    const mount = join(folder, 'mount')
    await renewToken(mount, 'first.web.token')
    await using host = await hostWith({ files: [`read:${mount}`] })
    await using driver = host.connect()
    const login = async (role: string) => {
      const data = {
        workloadIdentityTokenFile: join(mount, 'token'),
        roleARN: `arn:aws:iam::123456789012:role/${role}`,
      }
      await driver.createMachine(call(`m-${role}`, data))
    }
    amazon.targets.clear()
    await login('one')
    await renewToken(mount, 'second.web.token')
    await login('two')
    const tokens = ec2.journal.flatMap(({ params }) => params.WebIdentityToken ?? [])
    expect(tokens).toEqual(['first.web.token', 'second.web.token'])
    expect([...amazon.targets].sort()).toEqual(['ec2.eu-west-1.amazonaws.com:443', 'sts.eu-west-1.amazonaws.com:443'])
    const { plugins } = await driver.listPlugins()
    expect(plugins).toMatchObject([{ permissions: { net: ['*'] }, grantedPermissions: { files: [`read:${mount}`] } }])
  })

  it('asks an endpoint of the operator, and no other', async () => {
    amazon.targets.clear()
    await using host = await hostWith({ env: ['AWS_ENDPOINT_URL_EC2'] })
    await using driver = host.connect()
    expect(await failureOf(driver.createMachine(call('m-1')))).toMatchObject({
      code: 'Unavailable',
      message: expect.stringContaining('ECONNREFUSED'),
    })
    expect([...amazon.targets]).toEqual([])
  })
})

/** Replaces a file as a kubelet does: by a link to a link to a folder that has the new one. */
async function renewToken(mount: string, token: string): Promise<void> {
  const version = await mkdir(mount, { recursive: true }).then(() => mkdtemp(join(mount, '..')))
  await writeFile(join(version, 'token'), `${token}\n`)
  await symlink(version, join(mount, '..data_tmp'))
  await rename(join(mount, '..data_tmp'), join(mount, '..data'))
  await symlink(join('..data', 'token'), join(mount, 'token')).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
}
