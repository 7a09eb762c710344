import {
  AssignIpv6AddressesCommand,
  type AssignIpv6AddressesCommandInput,
  DescribeImagesCommand,
  type DescribeImagesCommandInput,
  DescribeInstancesCommand,
  type DescribeInstancesCommandInput,
  EC2Client,
  type Image,
  type Instance,
  ModifyNetworkInterfaceAttributeCommand,
  type ModifyNetworkInterfaceAttributeCommandInput,
  RunInstancesCommand,
  type RunInstancesCommandInput,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2'
import { type CallContext, untilAborted } from '@mcm/sdk'
import type { Secret } from '../secret-keys.ts'
import { credentialsOf, loginOf } from './credentials.ts'
import { repeat } from './repeat.ts'
import { keepRequestIds } from './request-id.ts'
import { clientSettings } from './settings.ts'

/** EC2 in one region with one login, for one call. */
export interface Ec2 {
  describeImages(input: DescribeImagesCommandInput): Promise<readonly Image[]>
  runInstances(input: RunInstancesCommandInput): Promise<readonly Instance[]>
  /** All pages, as one list. */
  describeInstances(service: Look, input: DescribeInstancesCommandInput): Promise<Instance[]>
  terminateInstance(id: string): Promise<void>
  modifyNetworkInterface(input: ModifyNetworkInterfaceAttributeCommandInput): Promise<void>
  assignIpv6Addresses(input: AssignIpv6AddressesCommandInput): Promise<void>
}

/** What instances are looked for by; the names under which upstream's metrics count it. */
type Look = 'instance_get_by_id' | 'instance_get_by_tag_and_status' | 'instance_list'

/** Makes the {@link Ec2} of a call. Its client is kept for later calls with the same login and region. */
export async function ec2For(
  region: string,
  secret: Secret,
  { client, signal, cloudRequest }: CallContext,
): Promise<Ec2> {
  const login = loginOf(secret)
  const sdk = await client(
    [region, ...Object.values(login)],
    () =>
      keepRequestIds(new EC2Client({ ...clientSettings('EC2', region), credentials: credentialsOf(login, region) })),
    (made) => made.destroy(),
  )
  // Here, and not within the first request, whose signal does not reach a login.
  await untilAborted(sdk.config.credentials(), signal)
  const options = { abortSignal: signal }
  // Counted under upstream's names, so that its dashboards go on; and under such ones where it does not count.
  const send = async <T>(name: string, service: string, request: () => Promise<T>) =>
    await repeat(`ec2.${name}`, signal, async () => await cloudRequest(service, request))
  return {
    async describeImages(input) {
      const answer = await send('DescribeImages', 'image_get', () =>
        sdk.send(new DescribeImagesCommand(input), options),
      )
      return answer.Images ?? []
    },
    async runInstances(input) {
      const answer = await send('RunInstances', 'instance_create', () =>
        sdk.send(new RunInstancesCommand(input), options),
      )
      return answer.Instances ?? []
    },
    async describeInstances(service, input) {
      const found: Instance[] = []
      let token: string | undefined
      for (;;) {
        const page = { ...input, ...(token && { NextToken: token }) }
        const answer = await send('DescribeInstances', service, () =>
          sdk.send(new DescribeInstancesCommand(page), options),
        )
        found.push(...(answer.Reservations ?? []).flatMap(({ Instances = [] }) => Instances))
        // A service that repeats a token would be asked for ever.
        if (!answer.NextToken || answer.NextToken === token) return found
        token = answer.NextToken
      }
    },
    async terminateInstance(id) {
      const input = { InstanceIds: [id], DryRun: false }
      await send('TerminateInstances', 'instance_terminate', () =>
        sdk.send(new TerminateInstancesCommand(input), options),
      )
    },
    async modifyNetworkInterface(input) {
      const command = () => sdk.send(new ModifyNetworkInterfaceAttributeCommand(input), options)
      await send('ModifyNetworkInterfaceAttribute', 'instance_disable_source_dest_check', command)
    },
    async assignIpv6Addresses(input) {
      await send('AssignIpv6Addresses', 'ipv6_prefix_assign', () =>
        sdk.send(new AssignIpv6AddressesCommand(input), options),
      )
    },
  }
}
