import { kindOf } from './aws-protocol.ts'
import type { AwsRequest, RecordedCase, RecordedReply } from './recorded-case.ts'

/**
 * Answers to what the original driver never asked: a search finds nothing, and the VM that a deletion looks at before it
 * acts has the tags of its class.
 */
export function extraReply(
  { input, method }: RecordedCase,
  base: RecordedCase,
): (request: AwsRequest) => RecordedReply {
  return (request) => {
    switch (kindOf(request)) {
      case 'DescribeInstances by tags':
        return instances('')
      case 'DescribeInstances by id':
        if (method === 'CreateMachine') return base.replies.at(-1) ?? instances('')
        return instances(instance(request.params['InstanceId.1'] ?? '', tagsOf(input.machineClass)))
      case 'ModifyNetworkInterfaceAttribute':
      case 'AssignIpv6Addresses':
      case 'TerminateInstances':
        return { status: 200, body: `<${request.action}Response><return>true</return></${request.action}Response>` }
      default: {
        // A launch that the original driver refused goes as it does with the plainest class.
        const like = base.requests.findIndex(({ action }) => action === request.action)
        const body = '<Response><Errors><Error><Code>NotRecorded</Code></Error></Errors></Response>'
        return base.replies[like] ?? { status: 500, body }
      }
    }
  }
}

function instances(item: string): RecordedReply {
  const set = item === '' ? '' : `<item><instancesSet><item>${item}</item></instancesSet></item>`
  const name = 'DescribeInstancesResponse'
  const body = `<${name} xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><reservationSet>${set}</reservationSet></${name}>`
  return { status: 200, body }
}

function instance(id: string, tags: Record<string, string>): string {
  const items = Object.entries(tags).map(([key, value]) => `<item><key>${key}</key><value>${value}</value></item>`)
  const state = '<instanceState><code>16</code><name>running</name></instanceState>'
  return `<instanceId>${id}</instanceId>${state}<tagSet>${items.join('')}</tagSet>`
}

function tagsOf(machineClass: Record<string, unknown> = {}): Record<string, string> {
  const { tags = {} } = (machineClass.providerSpec ?? {}) as { tags?: Record<string, string> }
  return tags
}
