import { isDeepStrictEqual } from 'node:util'
import type { MachineError } from '@mcm/sdk'
import type { RecordedCase, RecordedError, RecordedReply } from './recorded-case.ts'

/** What a plugin did in a case. */
export interface Observed<Request> {
  requests: readonly Request[]
  replies: readonly RecordedReply[]
  response?: object
  error?: MachineError
}

/** How conversations with one cloud are compared. */
export interface Comparison<Request> {
  kindOf(request: Request): string
  /** Both sides in one form. */
  normalise(requests: readonly Request[]): Request[]
  /** In what two requests of a kind differ. */
  partDifferences(kind: string, wanted: Request, sent: Request): string[]
  /** In what messages differ that are made of the driver's own words, and not equal. */
  ownWordsDifferences(wanted: string, error: MachineError): string[]
  /** What a message lacks that is made of a library's words. */
  missingFacts(wanted: RecordedError, error: MachineError, replies: readonly RecordedReply[]): string[]
}

/** Everything in which a plugin's conversation differs from the recorded one, each as one line; empty when equal. */
export function differences<Request>(
  recorded: RecordedCase<Request>,
  observed: Observed<Request>,
  comparison: Comparison<Request>,
): string[] {
  return [
    ...requestDifferences(comparison.normalise(recorded.requests), comparison.normalise(observed.requests), comparison),
    ...responseDifferences(recorded, observed),
    ...errorDifferences(recorded, observed, comparison),
  ]
}

function requestDifferences<Request>(
  wanted: readonly Request[],
  sent: readonly Request[],
  { kindOf, partDifferences }: Comparison<Request>,
): string[] {
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

/** What Go writes for nothing, and what the contract leaves out. */
function responseDifferences<Request>(
  { outcome }: RecordedCase<Request>,
  { response, error }: Observed<Request>,
): string[] {
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

function errorDifferences<Request>(
  { outcome }: RecordedCase<Request>,
  { error, replies }: Observed<Request>,
  { ownWordsDifferences, missingFacts }: Comparison<Request>,
): string[] {
  const wanted = outcome.panic === null ? (outcome.error?.code ?? 'OK') : 'a crash'
  const found = wanted === (error?.code ?? 'OK') ? [] : [`code: ${wanted} → ${error?.code ?? 'OK'}`]
  if (!outcome.error || !error) return found
  const { origin, message } = outcome.error
  if (origin !== 'driver') return [...found, ...missingFacts(outcome.error, error, replies)]
  return message === error.message ? found : [...found, ...ownWordsDifferences(message, error)]
}
