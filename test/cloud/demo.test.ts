import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { run } from '../env/run.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

it('npm run demo:aws shows the life of a machine', async () => {
  const signal = AbortSignal.timeout(120_000)
  const { stdout } = await run(process.execPath, ['test/demo/aws.ts'], { signal, cwd: root, deadlineMs: 120_000 })
  const shown = stdout.split('\n').filter((line) => /^(\$|machine-1| {2}EC2)/.test(line))
  expect(shown.map((line) => line.replaceAll(/ {2,}/g, '  '))).toEqual([
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
