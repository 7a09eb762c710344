import { isDeepStrictEqual } from 'node:util'
import type { MachineError } from '@mcm/sdk'
import type { Comparison } from './compare.ts'
import { gcpProtocol } from './gcp-protocol.ts'
import type { GcpRequest, RecordedError } from './recorded-case.ts'

/** How conversations with Google are compared. */
export const gcpComparison: Comparison<GcpRequest> = {
  kindOf: gcpProtocol.kindOf,
  normalise,
  partDifferences,
  ownWordsDifferences,
  missingFacts,
}

/** Neighbours that are equal are one: how often is asked is each client's business. Tokens are compared elsewhere. */
function normalise(requests: readonly GcpRequest[]): GcpRequest[] {
  const others = requests.filter(({ call }) => call !== 'token')
  return others.filter((request, i) => {
    const before = others[i - 1]
    return !before || !isDeepStrictEqual(essence(before), essence(request))
  })
}

function essence({ call, method, path, query, body }: GcpRequest): unknown {
  return { call, method, path, query: { ...query, requestId: undefined }, body }
}

function partDifferences(kind: string, wanted: GcpRequest, sent: GcpRequest): string[] {
  const { requestId, ...query } = sent.query
  const found = requestId === undefined ? [] : [`${kind} requestId`]
  const [wantedPath, sentPath] = [`${wanted.method} ${wanted.path}`, `${sent.method} ${sent.path}`]
  if (wantedPath !== sentPath) found.push(`${kind}: ${wantedPath} → ${sentPath}`)
  if (!isDeepStrictEqual(wanted.query, query)) {
    found.push(`${kind} query: ${JSON.stringify(wanted.query)} → ${JSON.stringify(query)}`)
  }
  return [...found, ...bodyDifferences(`${kind} body`, wanted.body, sent.body)]
}

/** Google's client for Go leaves out what is false or empty; to send it is the same, but for switches. */
function bodyDifferences(path: string, wanted: unknown, sent: unknown): string[] {
  if (isDeepStrictEqual(wanted, sent)) return []
  if (isObject(wanted) && isObject(sent)) {
    const names = new Set([...Object.keys(wanted), ...Object.keys(sent)])
    return [...names].flatMap((name) => bodyDifferences(`${path}.${name}`, wanted[name], sent[name]))
  }
  if (Array.isArray(wanted) && Array.isArray(sent) && wanted.length === sent.length) {
    return wanted.flatMap((item, i) => bodyDifferences(`${path}[${i}]`, item, sent[i]))
  }
  const isSwitch = /\.(shieldedInstanceConfig|advancedMachineFeatures)\./.test(path)
  if (isNothing(wanted) && isNothing(sent) && !(isSwitch && sent === false)) return []
  return [`${path}: ${JSON.stringify(wanted)} → ${JSON.stringify(sent)}`]
}

function isNothing(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0
  if (isObject(value)) return Object.values(value).every(isNothing)
  return value === undefined || value === null || value === false || value === 0 || value === ''
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Each violation that is told in the Go driver's frame has to be told in ours; more may be. */
function ownWordsDifferences(wanted: string, error: MachineError): string[] {
  const whole = `message: ${JSON.stringify(wanted)} → ${JSON.stringify(error.message)}`
  if (error.violations.length === 0) return [whole]
  const inner =
    /error while validating (?:ProviderSpec|Secret) \[([\s\S]*)\]\]$/.exec(wanted)?.[1] ??
    /error while validating Zone ([\s\S]*)\]$/.exec(wanted)?.[1] ??
    /^\w+ machines?(?: status)?(?: "[^"]*")? failed: ([\s\S]*)$/.exec(wanted)?.[1]
  if (inner === undefined) return [whole]
  let left = inner
  const found = ['message: the same violations, in the frame of the host']
  for (const { path, message } of error.violations) {
    const text = textIn(left, path, message)
    if (text === undefined) {
      found.push(`violation added: ${path.replaceAll(/\d+/g, '0')} ${message.split(':')[0]}`)
      continue
    }
    left = left.replace(text, '').trim()
    const spec = path.replace(/^providerSpec/, 'spec')
    if (text.startsWith('spec') && !text.startsWith(`${spec}:`)) found.push(`path: ${text.split(':')[0]} → ${path}`)
  }
  return left === '' ? found : [`message lacks ${JSON.stringify(left)}: ${JSON.stringify(error.message)}`]
}

/** Upstream's text of a violation, under its own path, or the one that upstream has for it. */
function textIn(list: string, path: string, message: string): string | undefined {
  const spec = path.replace(/^providerSpec/, 'spec')
  const upstreams = spec
    .replace('.encryption.', '.')
    .replace('.ipv6accessType', '.ipv6AccessType')
    .replace('spec.metadata[', 'spec.networkInterfaces[')
    .replace(/^spec\.networkInterfaces$/, 'spec.networkInterfaces.networkInterfaces')
  const candidates = [
    `${spec}: ${message}`,
    `${upstreams}: ${message}`,
    message,
    message.replace('Required value: ', ''),
  ]
  return candidates.find((text) => list.includes(text))
}

/** Prefix, HTTP status, message and reason have to be in our message, too. */
function missingFacts({ message: wanted, origin }: RecordedError, { message }: MachineError): string[] {
  // Whose words the rest is made of, ours is not.
  const [prefix = ''] = /^\w+ machines?(?: status)?(?: "[^"]*")? failed/.exec(wanted) ?? []
  const facts = [prefix, ...(origin === 'google-api' ? [wanted.slice(prefix.length + 2)] : [])]
  return facts
    .filter((fact) => !message.includes(fact))
    .map((fact) => `message lacks ${JSON.stringify(fact)}: ${JSON.stringify(message)}`)
}
