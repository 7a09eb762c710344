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
  describeInstances(input: DescribeInstancesCommandInput): Promise<Instance[]>
  terminateInstance(id: string): Promise<void>
  modifyNetworkInterface(input: ModifyNetworkInterfaceAttributeCommandInput): Promise<void>
  assignIpv6Addresses(input: AssignIpv6AddressesCommandInput): Promise<void>
}

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
  const send = async <T>(name: string, request: () => Promise<T>) =>
    await repeat(`ec2.${name}`, signal, async () => await cloudRequest(`ec2.${name}`, request))
  return {
    async describeImages(input) {
      const answer = await send('DescribeImages', () => sdk.send(new DescribeImagesCommand(input), options))
      return answer.Images ?? []
    },
    async runInstances(input) {
      const answer = await send('RunInstances', () => sdk.send(new RunInstancesCommand(input), options))
      return answer.Instances ?? []
    },
    async describeInstances(input) {
      const found: Instance[] = []
      let token: string | undefined
      for (;;) {
        const page = { ...input, ...(token && { NextToken: token }) }
        const answer = await send('DescribeInstances', () => sdk.send(new DescribeInstancesCommand(page), options))
        found.push(...(answer.Reservations ?? []).flatMap(({ Instances = [] }) => Instances))
        // A service that repeats a token would be asked for ever.
        if (!answer.NextToken || answer.NextToken === token) return found
        token = answer.NextToken
      }
    },
    async terminateInstance(id) {
      const input = { InstanceIds: [id], DryRun: false }
      await send('TerminateInstances', () => sdk.send(new TerminateInstancesCommand(input), options))
    },
    async modifyNetworkInterface(input) {
      const command = () => sdk.send(new ModifyNetworkInterfaceAttributeCommand(input), options)
      await send('ModifyNetworkInterfaceAttribute', command)
    },
    async assignIpv6Addresses(input) {
      await send('AssignIpv6Addresses', () => sdk.send(new AssignIpv6AddressesCommand(input), options))
    },
  }
}
