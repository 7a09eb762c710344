import {
  AssignIpv6Addresses$,
  DescribeImages$,
  DescribeInstances$,
  ModifyNetworkInterfaceAttribute$,
  RunInstances$,
  TerminateInstances$,
} from '@aws-sdk/client-ec2'
import { AssumeRoleWithWebIdentity$, type AssumeRoleWithWebIdentityRequest } from '@aws-sdk/client-sts'
import type { FakeAccount } from './account.ts'
import { QueryError } from './query-error.ts'
import type { Schema } from './query-model.ts'

/** One operation of the API: the SDK's model of it, and what it does. */
export interface Operation {
  version: string
  input: Schema
  output: Schema
  run(account: FakeAccount, input: never, region: string): object
}

/** What a schema of an operation holds, in this order: kind, namespace, name, traits, input, output. */
type OperationSchema = readonly [number, string, string, unknown, Schema | (() => Schema), Schema | (() => Schema)]

const ec2 = (schema: unknown, run: Operation['run']): Operation => operation('2016-11-15', schema, run)

/** All that the fake knows, by action. */
export const operations = new Map<string, Operation>([
  ['DescribeImages', ec2(DescribeImages$, (account, input) => account.describeImages(input))],
  ['RunInstances', ec2(RunInstances$, (account, input, region) => account.runInstances(input, region))],
  ['DescribeInstances', ec2(DescribeInstances$, (account, input, region) => account.describeInstances(input, region))],
  ['TerminateInstances', ec2(TerminateInstances$, (account, input) => account.terminateInstances(input))],
  [
    'ModifyNetworkInterfaceAttribute',
    ec2(ModifyNetworkInterfaceAttribute$, (account, input) => account.modifyNetworkInterface(input)),
  ],
  ['AssignIpv6Addresses', ec2(AssignIpv6Addresses$, (account, input) => account.assignIpv6Addresses(input))],
  ['AssumeRoleWithWebIdentity', operation('2011-06-15', AssumeRoleWithWebIdentity$, (_, input) => assumeRole(input))],
])

function operation(version: string, schema: unknown, run: Operation['run']): Operation {
  // The library exports it without a type that names its parts.
  const [, , , , input, output] = schema as OperationSchema
  return { version, input: deref(input), output: deref(output), run }
}

function deref(schema: Schema | (() => Schema)): Schema {
  return typeof schema === 'function' ? (schema as () => Schema)() : schema
}

/** A token with a line end is none, as at the real service. */
function assumeRole({ WebIdentityToken = '' }: AssumeRoleWithWebIdentityRequest) {
  if (!/^[\w.-]+$/.test(WebIdentityToken))
    throw new QueryError('InvalidIdentityToken', 'The token is no JSON web token')
  return {
    Credentials: {
      AccessKeyId: 'session-access-key',
      SecretAccessKey: 'session-secret-key',
      SessionToken: 'session-token',
      Expiration: new Date(Date.now() + 3_600_000),
    },
  }
}
