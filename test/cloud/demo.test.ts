import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { run } from '../env/run.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The commands of a demonstration, what they say of the machine, and what the cloud was asked. */
async function shownBy(demo: string): Promise<string[]> {
  const signal = AbortSignal.timeout(120_000)
  const { stdout } = await run(process.execPath, [demo], { signal, cwd: root, deadlineMs: 120_000 })
  const shown = stdout.split('\n').filter((line) => /^(\$|machine-1)|was asked/.test(line))
  return shown.map((line) => line.replaceAll(/ {2,}/g, '  '))
}

it('npm run demo:aws shows the life of a machine', async () => {
  expect(await shownBy('test/demo/aws.ts')).toEqual([
    '$ mcm machine create -f kubernetes/aws',
    expect.stringMatching(/^machine-1 {2}created {2}aws:\/\/\/eu-west-1\/i-0+1 {2}ip-/),
    '  EC2 was asked: DescribeInstances, DescribeImages, RunInstances, DescribeInstances',
    '$ mcm machine create -f kubernetes/aws',
    expect.stringMatching(/^machine-1 {2}created {2}aws:\/\/\/eu-west-1\/i-0+1 {2}ip-/),
    '  EC2 was asked: DescribeInstances',
    '$ mcm machine initialize -f kubernetes/aws',
    expect.stringMatching(/^machine-1 {2}initialized /),
    '  EC2 was asked: DescribeInstances, ModifyNetworkInterfaceAttribute',
    '$ mcm machine status -f kubernetes/aws -o wide',
    expect.stringMatching(/^machine-1 {2}default {2}found /),
    '  EC2 was asked: DescribeInstances',
    '$ mcm machine list -f kubernetes/aws',
    expect.stringMatching(/^machine-1 {2}of class aws-worker /),
    '  EC2 was asked: DescribeInstances',
    '$ mcm machine delete -f kubernetes/aws',
    expect.stringMatching(/^machine-1 {2}deleted /),
    '  EC2 was asked: DescribeInstances, TerminateInstances',
    '$ mcm machine list -f kubernetes/aws',
    '  EC2 was asked: DescribeInstances',
  ])
})

it('npm run demo:gcp shows the life of a machine', async () => {
  const id = 'gce:///demo-project/europe-west1-b/machine-1'
  expect(await shownBy('test/demo/gcp.ts')).toEqual([
    '$ mcm machine create -f kubernetes/gcp',
    `machine-1  created  ${id}  machine-1`,
    '  Compute was asked: token, instances.insert, zoneOperations.wait',
    '$ mcm machine create -f kubernetes/gcp',
    `machine-1  created  ${id}  machine-1`,
    '  Compute was asked: instances.insert, instances.get',
    '$ mcm machine status -f kubernetes/gcp -o wide',
    expect.stringContaining(`machine-1  default  found  ${id}  machine-1  InternalIP=10.`),
    '  Compute was asked: instances.get',
    '$ mcm machine list -f kubernetes/gcp',
    `machine-1  of class gcp-worker  ${id}`,
    '  Compute was asked: instances.list',
    '$ mcm machine delete -f kubernetes/gcp',
    expect.stringMatching(/^machine-1 {2}deleted /),
    '  Compute was asked: instances.get, instances.delete, zoneOperations.wait',
    '$ mcm machine list -f kubernetes/gcp',
    '  Compute was asked: instances.list',
  ])
})
