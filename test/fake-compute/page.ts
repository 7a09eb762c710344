import { invalid } from './api-error.ts'
import { filterOf } from './filter.ts'

export interface PageRequest {
  filter?: string
  maxResults?: string
  pageToken?: string
  orderBy?: string
}

/** One page of a list, and the token of the next one. */
export function listOf<T extends { name: string }>(
  kind: string,
  all: readonly T[],
  { filter = '', maxResults, pageToken, orderBy = 'name' }: PageRequest,
  { pageSize, repeatsToken }: { pageSize: number; repeatsToken: boolean },
): { kind: string; id: string; items?: T[]; nextPageToken?: string } {
  if (orderBy !== 'name') throw invalid('orderBy', orderBy, 'This fake orders by name only.')
  if (Number(maxResults ?? 0) > 500) throw invalid('maxResults', maxResults, 'Must be at most 500.')
  const max = Math.min(Number(maxResults ?? pageSize), pageSize)
  const start = pageToken === undefined ? 0 : readToken(pageToken, filter)
  const found = all.filter(filterOf(filter)).sort((a, b) => (a.name < b.name ? -1 : 1))
  const items = found.slice(start, start + max)
  const next = start + max < found.length ? tokenOf(start + max, filter) : undefined
  const nextPageToken = repeatsToken ? tokenOf(0, filter) : next
  return {
    kind: `compute#${kind}List`,
    id: 'list',
    // Like Compute's, an empty list has no `items`.
    ...(items.length > 0 && { items }),
    ...(nextPageToken !== undefined && { nextPageToken }),
  }
}

/** A token goes with its filter, as at Compute. */
const tokenOf = (position: number, filter: string) =>
  Buffer.from(JSON.stringify([position, filter])).toString('base64url')

function readToken(text: string, filter: string): number {
  const match = /^\[(\d+),/.exec(Buffer.from(text, 'base64url').toString())
  if (!match || tokenOf(Number(match[1]), filter) !== text)
    throw invalid('pageToken', text, 'The page token is invalid.')
  return Number(match[1])
}
