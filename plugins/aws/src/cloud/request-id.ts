import type { EC2Client } from '@aws-sdk/client-ec2'
import type { STSClient } from '@aws-sdk/client-sts'

/**
 * Keeps the request id of a failure, which EC2 says in the body of its answer: the library reads it from a header only.
 * Amazon's support asks for it.
 */
export function keepRequestIds<Client extends EC2Client | STSClient>(client: Client): Client {
  // Both have such a stack; their types differ in what goes through it, which is not looked at.
  const stack = client.middlewareStack as EC2Client['middlewareStack']
  stack.add(
    (next) => async (args) => {
      const result = await next(args)
      const { response } = result
      if (isFailure(response)) {
        const chunks: Uint8Array[] = []
        for await (const chunk of response.body) chunks.push(chunk)
        const body = Buffer.concat(chunks)
        const [, id] = /<RequestI[dD]>([^<]+)</.exec(body.toString()) ?? []
        if (id !== undefined) response.headers['x-amzn-requestid'] ??= id
        Object.assign(response, { body })
      }
      return result
    },
    // Before the library reads the body.
    { step: 'deserialize', priority: 'low', name: 'keepRequestIds' },
  )
  return client
}

interface Failure {
  headers: Record<string, string>
  body: AsyncIterable<Uint8Array>
}

function isFailure(response: unknown): response is Failure {
  if (typeof response !== 'object' || response === null) return false
  const status: unknown = Reflect.get(response, 'statusCode')
  const body: unknown = Reflect.get(response, 'body')
  return (
    typeof status === 'number' &&
    status >= 400 &&
    typeof body === 'object' &&
    body !== null &&
    Symbol.asyncIterator in body
  )
}
