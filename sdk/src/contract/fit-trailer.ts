import type { MachineError, Violation } from '../errors/machine-error.ts'
import type { NodeAddress } from '../model/kubernetes.ts'

/** The parts of an error whose size somebody else decides. */
export interface SizedParts {
  message: string
  providerID: string
  nodeName: string
  reason: string
  lastKnownState: string
  addresses: NodeAddress[]
  violations: Violation[]
}

/** All the parts of an error, for protocols that have room. */
export function allParts(error: MachineError): SizedParts {
  return {
    message: error.message.toWellFormed(),
    providerID: error.providerID ?? '',
    nodeName: error.nodeName ?? '',
    reason: error.reason ?? '',
    lastKnownState: error.lastKnownState ?? '',
    addresses: [...error.addresses],
    violations: [...error.violations],
  }
}

/**
 * As much of an error as fits into gRPC trailers. Python's and C++'s gRPC take 8 KiB of them, names included. Who the
 * VM is and what its plugin wants to remember go first, then the message, then the lists. The message tells what is
 * missing.
 */
export function fitTrailer(error: MachineError): SizedParts {
  const all = allParts(error)
  const missing: string[] = []
  let room = trailerBytes - messageBytes - noteBytes
  const take = (cost: number) => {
    if (cost > room) return false
    room -= cost
    return true
  }
  const text = (name: string, value: string, maxBytes: number) => {
    const bytes = Buffer.byteLength(value)
    if (bytes <= maxBytes && take(base64Bytes(bytes))) return value
    missing.push(`${name} of ${bytes} bytes`)
    return ''
  }
  const list = <T extends object>(name: string, items: T[]) => {
    let count = 0
    for (const item of items) {
      const bytes = Object.values(item).reduce((sum, value: string) => sum + Buffer.byteLength(value), fieldOverhead)
      if (!take(base64Bytes(bytes))) break
      count++
    }
    if (count < items.length) missing.push(`${items.length - count} of ${items.length} ${name}`)
    return items.slice(0, count)
  }
  const providerID = text('providerID', all.providerID, 512)
  const nodeName = text('nodeName', all.nodeName, 253)
  const reason = text('reason', all.reason, 128)
  const lastKnownState = text('lastKnownState', all.lastKnownState, maxStateBytes)
  room += messageBytes
  const forLists = all.violations.length + all.addresses.length > 0 ? listBytes : 0
  const message = shorten(all.message, Math.max(messageBytes, Math.min(room - forLists, maxMessageBytes)))
  room -= messageCost(message)
  if (message !== all.message)
    missing.push(`${Buffer.byteLength(all.message) - Buffer.byteLength(message)} bytes of text`)
  const violations = list('violations', all.violations)
  const addresses = list('addresses', all.addresses)
  const note = missing.length > 0 ? `… (left out, no room: ${missing.join(', ')})` : ''
  return { message: message + note, providerID, nodeName, reason, lastKnownState, addresses, violations }
}

/** Bytes of both trailers on the wire; what is missing to 8 KiB is for their names, the status and fixed parts. */
const trailerBytes = 7400
/** What is kept for the message. It goes twice: percent-encoded by itself, and in the details, which are base64. */
const messageBytes = 1200
/** What it gets where there is room. */
const maxMessageBytes = 5000
/** What it leaves to the lists where there is room. */
const listBytes = 1800
const noteBytes = 500
/** Longest `lastKnownState` in an error, as the contract promises it. */
const maxStateBytes = 4096
/** Tags and lengths of one list entry. */
const fieldOverhead = 12

function base64Bytes(bytes: number): number {
  return Math.ceil((bytes * 4) / 3)
}

function messageCost(text: string): number {
  return encodeURI(text).length + base64Bytes(Buffer.byteLength(text))
}

function shorten(text: string, maxCost: number): string {
  // Most messages fit, and every byte costs at most three and a bit more.
  if (Buffer.byteLength(text) * 5 <= maxCost || messageCost(text) <= maxCost) return text
  let kept = ''
  let cost = 0
  for (const character of text) {
    cost += messageCost(character)
    if (cost > maxCost) break
    kept += character
  }
  return kept
}
