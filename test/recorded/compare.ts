import { isDeepStrictEqual } from 'node:util'
import type { MachineError } from '@mcm/sdk'
import { joinNeighbours, normalise } from './normalise.ts'
import type { RecordedCase, RecordedError, RecordedReply, RecordedRequest } from './recorded-case.ts'
import { kindOf } from './replay-server.ts'

/** What a plugin did in a case. */
export interface Observed {
  requests: readonly RecordedRequest[]
  replies: readonly RecordedReply[]
  response?: object
  error?: MachineError
}

/** Everything in which a plugin's conversation differs from the recorded one, each as one line; empty when equal. */
export function differences(recorded: RecordedCase, observed: Observed): string[] {
  return [
    ...requestDifferences(joinNeighbours(recorded.requests), normalise(observed.requests)),
    ...responseDifferences(recorded, observed),
    ...errorDifferences(recorded, observed),
  ]
}

function requestDifferences(wanted: readonly RecordedRequest[], sent: readonly RecordedRequest[]): string[] {
  const found: string[] = []
  let next = 0
  for (const request of wanted) {
    const at = sent.findIndex((other, i) => i >= next && kindOf(other) === kindOf(request))
    const match = sent[at]
    if (!match) {
      found.push(`request missing: ${kindOf(request)}`)
      continue
    }
    found.push(...sent.slice(next, at).map((extra) => `request added: ${kindOf(extra)}`))
    next = at + 1
    found.push(...partDifferences(kindOf(request), request, match))
  }
  return [...found, ...sent.slice(next).map((extra) => `request added: ${kindOf(extra)}`)]
}

function partDifferences(kind: string, wanted: RecordedRequest, sent: RecordedRequest): string[] {
  const names = new Set([...Object.keys(wanted.params), ...Object.keys(sent.params)])
  const changed = [...names].filter((name) => wanted.params[name] !== sent.params[name])
  const found = changed.map(
    (name) => `${kind} ${name}: ${JSON.stringify(wanted.params[name])} → ${JSON.stringify(sent.params[name])}`,
  )
  if (wanted.version !== sent.version) found.push(`${kind} version: ${wanted.version} → ${sent.version}`)
  if (!isDeepStrictEqual(wanted.auth, sent.auth)) {
    found.push(`${kind} signed: ${JSON.stringify(wanted.auth)} → ${JSON.stringify(sent.auth)}`)
  }
  return found
}

/** What Go writes for nothing, and what the contract leaves out. */
function responseDifferences({ outcome }: RecordedCase, { response, error }: Observed): string[] {
  const identity = error && { providerID: error.providerID, nodeName: error.nodeName, addresses: error.addresses }
  const wanted = withoutNothing(outcome.response ?? {})
  // A response beside an error travels within it.
  const given = withoutNothing({ ...identity, ...response })
  const names = new Set([...Object.keys(wanted), ...Object.keys(given)])
  return [...names]
    .filter((name) => !isDeepStrictEqual(wanted[name], given[name]))
    .map((name) => `response ${name}: ${JSON.stringify(wanted[name])} → ${JSON.stringify(given[name])}`)
}

function withoutNothing(object: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]) => {
      if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0
      return value !== undefined && value !== null && value !== ''
    }),
  )
}

function errorDifferences({ outcome }: RecordedCase, { error, replies }: Observed): string[] {
  const wanted = outcome.panic === null ? (outcome.error?.code ?? 'OK') : 'a crash'
  const found = wanted === (error?.code ?? 'OK') ? [] : [`code: ${wanted} → ${error?.code ?? 'OK'}`]
  if (!outcome.error || !error) return found
  return [...found, ...messageDifferences(outcome.error, error, replies)]
}

function messageDifferences(wanted: RecordedError, error: MachineError, replies: readonly RecordedReply[]): string[] {
  switch (wanted.origin) {
    case 'driver': {
      if (wanted.message === error.message) return []
      const list = error.violations.map(({ path, message }) => `${path}: ${message}`)
      const text = list.length === 1 ? list[0] : `[${list.join(', ')}]`
      if (list.length > 0 && wanted.message === `error while validating ProviderSpec ${text}`) {
        return ['message: the same violations, in the frame of the host']
      }
      return [`message: ${JSON.stringify(wanted.message)} → ${JSON.stringify(error.message)}`]
    }
    case 'go-json':
      // The words are those of Go's decoder.
      return []
    case 'aws-sdk':
      return missingFacts(wanted.message, error.message, replies)
    default:
      return wanted.origin satisfies never
  }
}

/** Operation, error code, text, HTTP status and request id have to be in our message, too. */
function missingFacts(wanted: string, message: string, replies: readonly RecordedReply[]): string[] {
  const operation = [...wanted.matchAll(/operation error (?:EC2|STS): (\w+)/g)].at(-1)?.[1]
  const [, code, text] = /api error ([\w.]+): ([\s\S]*)$/.exec(wanted) ?? []
  const [, status] = /.*StatusCode: ([1-9]\d*)/s.exec(wanted) ?? []
  const lastBody = replies.at(-1)?.body ?? ''
  // Of our last attempt; there may have been fewer than were recorded.
  const [, requestId] = /<RequestI[dD]>([^<]+)</.exec(lastBody) ?? []
  const facts = { operation, code: code === 'UnknownError' ? undefined : code, status, requestId }
  const missing = Object.entries({ ...facts, text: code === 'UnknownError' ? undefined : text }).filter(
    ([, fact]) => fact !== undefined && !message.includes(fact),
  )
  return missing.map(([name, fact]) => `message lacks the ${name} ${JSON.stringify(fact)}: ${JSON.stringify(message)}`)
}
