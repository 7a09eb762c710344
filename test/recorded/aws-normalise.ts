import type { AwsRequest } from './recorded-case.ts'

/** The requests in the form in which they were recorded: random values numbered, tags sorted, neighbours joined. */
export function normalise(requests: readonly AwsRequest[]): AwsRequest[] {
  const names = new Map<string, string>()
  const numbered = (kind: string, value: string) => {
    const known = names.get(`${kind} ${value}`)
    if (known) return known
    const name = `<${kind}-${[...names.keys()].filter((key) => key.startsWith(`${kind} `)).length + 1}>`
    names.set(`${kind} ${value}`, name)
    return name
  }
  const normalised = requests.map(({ params, ...rest }) => {
    const sorted = sortTags(params)
    if (sorted.ClientToken) sorted.ClientToken = numbered('client-token', sorted.ClientToken)
    if (sorted.RoleSessionName) sorted.RoleSessionName = numbered('session-name', sorted.RoleSessionName)
    return { ...rest, params: sorted }
  })
  return joinNeighbours(normalised)
}

/** One of neighbours that are equal: how often a failed request is repeated is the SDK's business. */
export function joinNeighbours(requests: readonly AwsRequest[]): AwsRequest[] {
  const text = ({ atLeast: _, ...request }: AwsRequest) => JSON.stringify(sortedObject(request))
  return requests.filter((request, i) => {
    const before = requests[i - 1]
    return !before || text(before) !== text(request)
  })
}

/** Sorted by key inside each TagSpecification, Name last. */
function sortTags(params: Record<string, string>): Record<string, string> {
  const rest: Record<string, string> = {}
  const lists = new Map<string, Map<string, { Key?: string; Value?: string }>>()
  for (const [name, value] of Object.entries(params)) {
    const [, list, number, part] = /^(TagSpecification\.\d+\.Tag)\.(\d+)\.(Key|Value)$/.exec(name) ?? []
    if (list === undefined || number === undefined) {
      rest[name] = value
      continue
    }
    const tags = lists.get(list) ?? lists.set(list, new Map()).get(list)
    tags?.set(number, { ...tags.get(number), [part === 'Key' ? 'Key' : 'Value']: value })
  }
  const order = (key = '') => (key === 'Name' ? '1' : `0${key}`)
  for (const [list, tags] of lists) {
    const sorted = [...tags.values()].sort((a, b) => (order(a.Key) < order(b.Key) ? -1 : 1))
    for (const [i, { Key, Value }] of sorted.entries()) {
      rest[`${list}.${i + 1}.Key`] = Key ?? ''
      rest[`${list}.${i + 1}.Value`] = Value ?? ''
    }
  }
  return rest
}

function sortedObject(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sortedObject(item)]),
  )
}
