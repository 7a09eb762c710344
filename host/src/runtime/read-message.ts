import type { MachineErrorOptions, NodeAddress, SecretKeys, Violation } from '@mcm/sdk'
import { driverMethods } from '@mcm/sdk/contract'
import { loggable } from './loggable.ts'
import { isLargerThan } from './message-size.ts'
import type { ErrorMessage, Hello, LogLevel, PluginMessage } from './messages.ts'

/**
 * Reads what came over a plugin's channel. The plugin's own code can send there too, and what our code sends holds
 * values that the plugin made. So nothing in it is believed: what does not fit is left out, and a message that makes no
 * sense without it is no message (`undefined`).
 */
export function readMessage(value: unknown): PluginMessage | undefined {
  if (!isObject(value)) return undefined
  const { type, id } = value
  switch (type) {
    case 'hello': {
      if (isLargerThan(value, maxHelloBytes)) {
        return { type: 'refused', reason: 'what it says about itself is larger than 1 MiB: make its schema smaller' }
      }
      const hello = readHello(value.hello)
      return hello && { type, nonce: textOf(value.nonce) ?? '', hello }
    }
    case 'refused':
      return { type, reason: textOf(value.reason) ?? '' }
    case 'ack':
    case 'health':
      return isId(id) ? { type, id } : undefined
    case 'answer':
      // What is in it is checked against the contract where it is used.
      return isId(id) ? { type, id, response: value.response } : undefined
    case 'error': {
      const error = readError(value.error)
      return isId(id) && error ? { type, id, error } : undefined
    }
    case 'log': {
      const { level, message, fields } = value
      if (!isLogLevel(level)) return undefined
      const line: Extract<PluginMessage, { type: 'log' }> = {
        type,
        level,
        message: textOf(message, maxLogLength) ?? '',
      }
      if (isId(id)) line.id = id
      const plain = loggable(fields)
      if (isObject(plain)) line.fields = plain
      return line
    }
    case 'cloud-request': {
      const { service, ms, isFailure } = value
      if (typeof service !== 'string' || typeof ms !== 'number' || !(ms >= 0 && ms <= maxRequestMs)) return undefined
      return { type, service: serviceName(service), ms, isFailure: isFailure === true }
    }
    default:
      return undefined
  }
}

function readHello(value: unknown): Hello | undefined {
  if (!isObject(value)) return undefined
  const { contract, sdkVersion, provider, aliases, providerSpec, secret, capabilities } = value
  if (typeof contract !== 'number' || typeof provider !== 'string') return undefined
  if (!isObject(providerSpec) || !isSecretKeys(secret)) return undefined
  return {
    contract,
    sdkVersion: textOf(sdkVersion) ?? '',
    provider,
    aliases: textsOf(aliases),
    // It went through JSON on the plugin's side.
    providerSpec: providerSpec as Hello['providerSpec'],
    secret,
    capabilities: driverMethods.filter((method) => textsOf(capabilities).includes(method)),
  }
}

/** Whether a value describes the keys of a Secret, as `definePlugin` takes them. */
export function isSecretKeys(value: unknown): value is SecretKeys {
  return isObject(value) && Object.values(value).every(isSecretKey)
}

function isSecretKey(value: unknown): boolean {
  if (value === 'required' || value === 'optional') return true
  if (!isObject(value) || typeof value.required !== 'boolean') return false
  const { aliases = [], description = '' } = value
  return Array.isArray(aliases) && textsOf(aliases).length === aliases.length && typeof description === 'string'
}

function readError(value: unknown): ErrorMessage | undefined {
  if (!isObject(value)) return undefined
  const { code, message, options, trace } = value
  return {
    code: textOf(code) ?? '',
    message: textOf(message) ?? '',
    options: readOptions(isObject(options) ? options : {}),
    trace: textOf(trace, maxLogLength) ?? '',
  }
}

function readOptions(options: Record<string, unknown>): Omit<MachineErrorOptions, 'cause'> {
  const { source, retry, retryAfterMs } = options
  const read: Omit<MachineErrorOptions, 'cause'> = {}
  if (source === 'host' || source === 'plugin' || source === 'cloud') read.source = source
  if (retry === 'soon' || retry === 'later' || retry === 'after-change') read.retry = retry
  if (typeof retryAfterMs === 'number' && retryAfterMs >= 0 && retryAfterMs <= maxRetryAfterMs) {
    read.retryAfterMs = retryAfterMs
  }
  for (const key of ['reason', 'lastKnownState', 'providerID', 'nodeName'] as const) {
    // A plugin reads its own state again; cut, it would be none.
    const text = textOf(options[key], key === 'lastKnownState' ? maxStateLength : maxTextLength)
    if (text !== undefined) read[key] = text
  }
  read.addresses = objectsOf(options.addresses, ['type', 'address']) as unknown as NodeAddress[]
  read.violations = objectsOf(options.violations, ['path', 'message']) as unknown as Violation[]
  const left = Array.isArray(options.violations) ? options.violations.length - maxObjects : 0
  if (left > 0) read.violations.push({ path: '', message: `… and ${left} more` })
  return read
}

/** The first objects of a list that have a text under each of the keys, with those keys only. */
function objectsOf(value: unknown, keys: readonly string[]): Record<string, unknown>[] {
  if (!Array.isArray(value)) return []
  return value
    .slice(0, maxObjects)
    .filter(
      (item): item is Record<string, unknown> => isObject(item) && keys.every((key) => typeof item[key] === 'string'),
    )
    .map((item) => Object.fromEntries(keys.map((key) => [key, textOf(item[key])])))
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

/** A text, cut: it goes on to callers and logs, which no plugin may fill. */
function textOf(value: unknown, maxLength = maxTextLength): string | undefined {
  if (typeof value !== 'string') return undefined
  return value.length > maxLength ? `${value.slice(0, maxLength)}…` : value
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value)
}

function isLogLevel(value: unknown): value is LogLevel {
  return value === 'debug' || value === 'info' || value === 'warn' || value === 'error'
}

/** An author who names it oddly makes no garbage, so it only loses the name. */
function serviceName(text: string): string {
  return /^[\x20-\x7e]{1,100}$/.test(text) ? text : 'other'
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

// What a person reads in a log may be long, such as a stack with its causes. All other texts are a few lines at most.
const maxLogLength = 16_384
const maxTextLength = 4096
const maxStateLength = 65_536
// More than a machine has addresses, and more violations than anybody corrects in one go.
const maxObjects = 100
// The largest schemas have some 100 KiB. Checks of classes are made from it, which takes the host's own time.
const maxHelloBytes = 1 << 20
// More than any call may take.
const maxRequestMs = 7 * 24 * 3600_000
const maxRetryAfterMs = 365 * 24 * 3600_000
