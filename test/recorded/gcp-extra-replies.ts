import type { GcpRequest, RecordedCase, RecordedReply } from './recorded-case.ts'

/**
 * Answers to what the original driver never asked. It finds a VM by listing the zone; a request for the VM is answered
 * by what was listed.
 */
export function extraReply({
  id,
  input,
  requests,
  replies,
}: RecordedCase<GcpRequest>): (request: GcpRequest) => RecordedReply {
  const { tags = [], machineType } = (input.machineClass?.providerSpec ?? {}) as {
    tags?: string[]
    machineType?: string
  }
  const inserted = requests.some(({ call }) => call === 'insert')
  const lists = replies.filter((_, i) => requests[i]?.call === 'list')
  return ({ call, path }) => {
    switch (call) {
      case 'token':
        return { status: 200, body: path.endsWith(':generateAccessToken') ? impersonated : token }
      case 'get': {
        const name = decodeURIComponent(path.split('/').at(-1) ?? '')
        const found = lists.flatMap(itemsOf).find((item) => item.name === name)
        if (found) return { status: 200, body: found }
        // What an insertion has made, or met.
        if (inserted) {
          const items = id === 'create-exists-foreign' ? ['kubernetes-io-cluster-another'] : tags
          return { status: 200, body: { name, machineType, tags: { items } } }
        }
        // What went wrong with a list goes wrong with this, too.
        return (
          lists.find((reply) => reply.status !== 200) ??
          failure(404, 'notFound', `The resource '${name}' was not found`)
        )
      }
      case 'getOperation':
        return { status: 200, body: { kind: 'compute#operation', name: 'operation-1', status: 'DONE' } }
      case 'delete':
      case 'insert':
        return { status: 200, body: { kind: 'compute#operation', name: 'operation-1', status: 'RUNNING' } }
      case 'list':
        return { status: 200, body: { kind: 'compute#instanceList' } }
      case 'other':
        return failure(500, 'notRecorded', `nothing was recorded for ${path}`)
      default:
        return call satisfies never
    }
  }
}

function itemsOf({ body }: RecordedReply): { name?: string }[] {
  const { items = [] } = (typeof body === 'object' && body !== null ? body : {}) as { items?: { name?: string }[] }
  return items
}

function failure(code: number, reason: string, message: string): RecordedReply {
  return { status: code, body: { error: { code, message, errors: [{ domain: 'global', reason, message }] } } }
}

const token = { access_token: 'token', expires_in: 3599, token_type: 'Bearer' }
const impersonated = { accessToken: 'token', expireTime: '2099-01-01T00:00:00Z' }
