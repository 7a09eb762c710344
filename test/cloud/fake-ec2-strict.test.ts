import { afterAll, beforeAll, expect, it } from 'vitest'
import { FakeEc2 } from '../fake-ec2/server.ts'

let fake: FakeEc2
beforeAll(async () => {
  fake = await FakeEc2.start()
})
afterAll(async () => await fake[Symbol.asyncDispose]())

const signed = { authorization: 'AWS4-HMAC-SHA256 Credential=key/20260101/eu-west-1/ec2/aws4_request, Signature=0' }

async function codeOf(params: Record<string, string>, headers: Record<string, string> = signed): Promise<string> {
  const body = new URLSearchParams({ Version: '2016-11-15', ...params })
  const answer = await fetch(fake.url, { method: 'POST', headers, body })
  return /<Code>([^<]*)</.exec(await answer.text())?.[1] ?? 'OK'
}

it.each([
  ['a parameter that there is not', { Action: 'DescribeInstances', InstanceID: 'i-1' }, 'UnknownParameter'],
  ['one inside a structure', { Action: 'RunInstances', 'Placement.Zone': 'a' }, 'UnknownParameter'],
  ['a list item without a number', { Action: 'DescribeInstances', 'InstanceId.first': 'i-1' }, 'UnknownParameter'],
  [
    'the SDK name of what has another on the wire',
    { Action: 'RunInstances', 'NetworkInterface.1.Groups.1': 'sg' },
    'UnknownParameter',
  ],
  ['a text for a number', { Action: 'RunInstances', MinCount: 'one' }, 'InvalidParameterValue'],
  ['a fraction', { Action: 'RunInstances', MinCount: '1.0' }, 'InvalidParameterValue'],
  ['a number for yes or no', { Action: 'RunInstances', EbsOptimized: '1' }, 'InvalidParameterValue'],
  ['an empty text', { Action: 'RunInstances', KeyName: '' }, 'InvalidParameterValue'],
  ['a structure for a text', { Action: 'RunInstances', 'KeyName.Value': 'x' }, 'InvalidParameterValue'],
  ['an unknown action', { Action: 'StopInstances' }, 'InvalidAction'],
  ['another version', { Action: 'DescribeInstances', Version: '2015-10-01' }, 'InvalidAction'],
  ['nothing odd', { Action: 'DescribeInstances', 'Filter.1.Name': 'tag-key', 'Filter.1.Value.1': '*' }, 'OK'],
])('the fake EC2 answers to %s', async (_, params, code) => {
  expect(await codeOf(params)).toBe(code)
})

it('the fake EC2 wants a signature', async () => {
  expect(await codeOf({ Action: 'DescribeInstances' }, {})).toBe('MissingAuthenticationToken')
})
