import { randomUUID } from 'node:crypto'
import { deterministicUuid, type Machine } from '@mcm/sdk'

/**
 * The client tokens to launch a Machine's VM with, in order. A token and a request that EC2 has seen before give the
 * same VM again, also when another process, or a later one, asks. The request is part of the token, since EC2 refuses
 * a token with another request, and user data change from try to try.
 *
 * The second is for a VM that was launched with the first and has ended since; the last, which nobody can guess, for
 * one that has ended twice.
 */
export function clientTokens({ metadata }: Machine, cluster: string, request: object): [string, ...string[]] {
  const identity = [cluster, metadata.namespace, metadata.name, metadata.uid ?? '']
  const text = JSON.stringify(request)
  return [deterministicUuid(...identity, text), deterministicUuid(...identity, text, 'again'), randomUUID()]
}
