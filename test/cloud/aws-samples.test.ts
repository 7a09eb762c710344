import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest'
import { readManifests, secretOf } from '../../host/src/cli/manifests.ts'
import { machine } from './testing/aws-requests.ts'
import { pluginAndFake } from './testing/plugin-and-fake.ts'

// The sample classes of features, each with what it is there for in the request that EC2 gets.

const samples = fileURLToPath(new URL('../../kubernetes/aws', import.meta.url))
const features: Record<string, Record<string, string>> = {
  'aws-dedicated': { 'Placement.HostId': 'h-0123456789abcdef0', 'CpuOptions.ThreadsPerCore': '1' },
  'aws-efa': { 'NetworkInterface.2.InterfaceType': 'efa-only', 'NetworkInterface.2.NetworkCardIndex': '1' },
  'aws-ipv6': { 'NetworkInterface.1.Ipv6AddressCount': '1', 'NetworkInterface.1.PrimaryIpv6': 'true' },
  'aws-reserved': {
    'CapacityReservationSpecification.CapacityReservationTarget.CapacityReservationId': 'cr-0123456789abcdef0',
  },
  'aws-spot': { 'InstanceMarketOptions.MarketType': 'spot' },
  'aws-storage': { 'BlockDeviceMapping.2.Ebs.VolumeType': 'io2', 'BlockDeviceMapping.3.Ebs.Encrypted': 'true' },
  'aws-web-identity': { ImageId: 'ami-0123456789abcdef0' },
}

let world: Awaited<ReturnType<typeof pluginAndFake>>
beforeEach(async () => {
  world = await pluginAndFake()
})
afterEach(async () => await world[Symbol.asyncDispose]())

it('there is a sample of each feature, valid with its Secret', async () => {
  const manifests = await readManifests([join(samples, 'variants'), join(samples, 'secret.yaml')])
  expect(manifests.classes.map(({ object }) => object.metadata.name)).toEqual(Object.keys(features))
  for (const located of manifests.classes) {
    const call = { machineClass: located.object, secret: secretOf(located, manifests) ?? {} }
    expect(await world.driver.validateMachineClass(call)).toEqual({ violations: [] })
  }
})

it.each(Object.entries(features))('%s becomes a VM, and is set up', async (name, params) => {
  const manifests = await readManifests([join(samples, 'variants'), join(samples, 'secret.yaml')])
  const located = manifests.classes.find(({ object }) => object.metadata.name === name)
  if (!located) throw new Error(`no class ${name}`)
  const secret = secretOf(located, manifests)
  if (secret?.data?.workloadIdentityTokenFile) {
    const folder = await mkdtemp(join(tmpdir(), 'mcm-token-'))
    onTestFinished(async () => await rm(folder, { recursive: true }))
    await writeFile(join(folder, 'token'), 'a.web.token')
    secret.data.workloadIdentityTokenFile = Buffer.from(join(folder, 'token'))
  }
  const call = { machine: machine('m-1'), machineClass: located.object, ...(secret && { secret }) }
  const made = await world.driver.createMachine(call)
  expect(world.fake.journal.find(({ action }) => action === 'RunInstances')?.params).toMatchObject(params)
  await world.driver.initializeMachine(call)
  expect(await world.driver.getMachineStatus(call)).toEqual(await world.driver.createMachine(call))
  expect(made.providerID).toBe('aws:///eu-west-1/i-00000000000000001')
})
