import { isDeepStrictEqual } from 'node:util'
import type { MachineError } from '@mcm/sdk'
import { normalise } from './aws-normalise.ts'
import { kindOf } from './aws-protocol.ts'
import type { Comparison } from './compare.ts'
import type { AwsRequest, RecordedError, RecordedReply } from './recorded-case.ts'

function partDifferences(kind: string, wanted: AwsRequest, sent: AwsRequest): string[] {
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

function ownWordsDifferences(wanted: string, error: MachineError): string[] {
  const list = error.violations.map(({ path, message }) => `${path}: ${message}`)
  const text = list.length === 1 ? list[0] : `[${list.join(', ')}]`
  if (list.length > 0 && wanted === `error while validating ProviderSpec ${text}`) {
    return ['message: the same violations, in the frame of the host']
  }
  return [`message: ${JSON.stringify(wanted)} → ${JSON.stringify(error.message)}`]
}

/** Operation, error code, text, HTTP status and request id have to be in our message, too. */
function missingFacts(recorded: RecordedError, { message }: MachineError, replies: readonly RecordedReply[]): string[] {
  // The words of others are those of Go's decoder.
  if (recorded.origin !== 'aws-sdk') return []
  const wanted = recorded.message
  const operation = [...wanted.matchAll(/operation error (?:EC2|STS): (\w+)/g)].at(-1)?.[1]
  const [, code, text] = /api error ([\w.]+): ([\s\S]*)$/.exec(wanted) ?? []
  const [, status] = /.*StatusCode: ([1-9]\d*)/s.exec(wanted) ?? []
  const lastBody = String(replies.at(-1)?.body ?? '')
  // Of our last attempt; there may have been fewer than were recorded.
  const [, requestId] = /<RequestI[dD]>([^<]+)</.exec(lastBody) ?? []
  const facts = { operation, code: code === 'UnknownError' ? undefined : code, status, requestId }
  const missing = Object.entries({ ...facts, text: code === 'UnknownError' ? undefined : text }).filter(
    ([, fact]) => fact !== undefined && !message.includes(fact),
  )
  return missing.map(([name, fact]) => `message lacks the ${name} ${JSON.stringify(fact)}: ${JSON.stringify(message)}`)
}

/** How conversations with AWS are compared. */
export const awsComparison: Comparison<AwsRequest> = {
  kindOf,
  normalise,
  partDifferences,
  ownWordsDifferences,
  missingFacts,
}
