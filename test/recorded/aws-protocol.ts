import type { IncomingMessage } from 'node:http'
import type { AwsRequest } from './recorded-case.ts'
import type { Protocol } from './replay-server.ts'

/** What requests are told apart by when one stands for another: action, and what it looks for. */
export function kindOf({ action, params }: AwsRequest): string {
  if (action !== 'DescribeInstances') return action
  return Object.keys(params).some((name) => name.startsWith('Filter.')) ? `${action} by tags` : `${action} by id`
}

function readRequest(request: IncomingMessage, body: string): AwsRequest {
  const { Action: action = '', Version: version = '', ...params } = Object.fromEntries(new URLSearchParams(body))
  const header = request.headers.authorization ?? ''
  const [, accessKeyId, region, service] = /Credential=([^/]*)\/\d+\/([^/]*)\/([^/]*)\//.exec(header) ?? []
  const token = request.headers['x-amz-security-token']
  const auth =
    accessKeyId === undefined || region === undefined || service === undefined
      ? null
      : { accessKeyId, region, service, ...(typeof token === 'string' && { sessionToken: token }) }
  return { service: version === '2011-06-15' ? 'sts' : 'ec2', action, version, params, auth }
}

export const awsProtocol: Protocol<AwsRequest> = {
  read: readRequest,
  kindOf,
  contentType: 'text/xml;charset=UTF-8',
}
