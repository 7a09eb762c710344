/** One limit on living instances. */
export interface Quota {
  /** What is counted together. All but `credential` count within one account. */
  per: 'account' | 'credential' | 'region' | 'zone' | 'machineType'
  /** Which one; absent: each one. For `credential` what `credentialOf(token)` says. */
  name?: string
  /** How many instances it allows. */
  instances: number
}

/** How the cloud behaves. Settings hold for all clients of the cloud, in all processes, from the next call on. */
export interface Settings {
  /** Milliseconds that each operation takes, half of them before it is executed and half after. */
  latencyMs: number
  /** The same for some operations, by name, for example `{ createInstance: 300 }`. */
  latencyMsOf: Record<string, number>
  /** Milliseconds from creation until get and list show an instance. */
  appearsAfterMs: number
  /** Milliseconds from deletion during which get and list still show an instance as if nothing had happened. */
  disappearsAfterMs: number
  /** Milliseconds from deletion until an instance is terminated. */
  terminationMs: number
  /** Milliseconds from creation until a spot instance is reclaimed; 0: never. */
  spotLifetimeMs: number
  /** Instances per page of a list. */
  pageSize: number
  /** Operations per second before the cloud answers `Throttled`; 0: no limit. */
  requestsPerSecond: number
  quotas: Quota[]
  /** Credentials that are accepted, as `credentialOf(token)` says them. Empty: every well-formed token. */
  credentials: string[]
}

export const defaultSettings: Settings = {
  latencyMs: 0,
  latencyMsOf: {},
  appearsAfterMs: 0,
  disappearsAfterMs: 0,
  terminationMs: 0,
  spotLifetimeMs: 0,
  pageSize: 100,
  requestsPerSecond: 0,
  quotas: [],
  credentials: [],
}

/** Merges changes into settings. Throws a `TypeError` that names what is wrong; then nothing is changed. */
export function changedSettings(settings: Settings, changes: Partial<Settings>): Settings {
  for (const [key, value] of Object.entries(changes)) {
    const wrong = problemOf(key, value)
    if (wrong) throw new TypeError(`setting ${key} ${wrong}`)
  }
  return { ...settings, ...changes }
}

function problemOf(key: string, value: unknown): string | undefined {
  if (!isSetting(key)) return `is not known; known are ${Object.keys(defaultSettings).join(', ')}`
  switch (key) {
    case 'quotas':
      return Array.isArray(value) && value.every(isQuota)
        ? undefined
        : `must be a list of { per: ${quotaScopes.join(' | ')}, name?: text, instances: whole number >= 0 }`
    case 'credentials':
      return Array.isArray(value) && value.every((item) => typeof item === 'string')
        ? undefined
        : 'must be a list of texts'
    case 'latencyMsOf':
      return isObject(value) && Object.values(value).every(isAmount)
        ? undefined
        : 'must be an object of numbers >= 0 by operation'
    case 'pageSize':
      return Number.isInteger(value) && isAmount(value) && value >= 1 ? undefined : 'must be a whole number >= 1'
    default:
      return isAmount(value) ? undefined : 'must be a number >= 0'
  }
}

const quotaScopes: readonly unknown[] = [
  'account',
  'credential',
  'region',
  'zone',
  'machineType',
] satisfies Quota['per'][]

function isSetting(key: string): key is keyof Settings {
  return Object.hasOwn(defaultSettings, key)
}

function isQuota(value: unknown): boolean {
  return (
    isObject(value) &&
    quotaScopes.includes(value.per) &&
    (value.name === undefined || typeof value.name === 'string') &&
    Number.isInteger(value.instances) &&
    isAmount(value.instances)
  )
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
