import {
  DescribeImagesCommand,
  DescribeSecurityGroupsCommand,
  DescribeSubnetsCommand,
  EC2Client,
} from '@aws-sdk/client-ec2'
import type { Account } from './aws-requests.ts'

/** A client of the tests' own. */
export function ec2Client(endpoint: string): EC2Client {
  const credentials = { accessKeyId: 'test-access-key', secretAccessKey: 'test-secret-key' }
  return new EC2Client({ region: 'eu-west-1', endpoint, credentials, maxAttempts: 1 })
}

/** Makes what a VM needs in moto's account, and finds what is there. */
export async function motoAccount(url: string): Promise<Account> {
  await createInstanceProfile(url, 'nodes-profile')
  const client = ec2Client(url)
  try {
    const { Images = [] } = await client.send(new DescribeImagesCommand({ Owners: ['amazon'] }))
    const { Subnets = [] } = await client.send(new DescribeSubnetsCommand({}))
    const { SecurityGroups = [] } = await client.send(new DescribeSecurityGroupsCommand({}))
    const ami = Images.find(({ Architecture }) => Architecture === 'x86_64')?.ImageId
    const subnet = Subnets[0]?.SubnetId
    const group = SecurityGroups.find(({ VpcId }) => VpcId === Subnets[0]?.VpcId)?.GroupId
    if (!ami || !subnet || !group) throw new Error('moto has no image, no subnet or no security group')
    return { ami, subnet, group }
  } finally {
    client.destroy()
  }
}

/** One request to IAM, for which no client is installed. moto tells services by the signature. */
async function createInstanceProfile(url: string, name: string): Promise<void> {
  const body = new URLSearchParams({
    Action: 'CreateInstanceProfile',
    InstanceProfileName: name,
    Version: '2010-05-08',
  })
  const scope = 'test-access-key/20260101/us-east-1/iam/aws4_request'
  const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`
  const answer = await fetch(url, { method: 'POST', headers: { authorization }, body })
  if (!answer.ok) throw new Error(`moto: CreateInstanceProfile: ${await answer.text()}`)
}
