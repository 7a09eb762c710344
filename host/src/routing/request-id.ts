import { randomUUID } from 'node:crypto'
import type { CallOptions } from '@mcm/sdk/contract'

/** The id of a call in logs: its caller's, so that it can be found in the logs of both, or one of our own. */
export function requestIdOf({ requestId }: CallOptions): string {
  // Anything else could make a mess of a log, or be a whole one.
  return requestId !== undefined && /^[\x21-\x7e]{1,128}$/.test(requestId) ? requestId : randomUUID().slice(-12)
}
