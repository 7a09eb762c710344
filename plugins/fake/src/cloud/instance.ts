/** Where an instance is in its life. */
export type InstanceState = 'pending' | 'running' | 'shutting-down' | 'terminated'

/** What a client asks for when it creates an instance. */
export interface InstanceRequest {
  /** Not unique: a cloud that refuses a second instance of a name would hide a driver's mistakes. */
  name: string
  /** Names at most one living instance: a second request with it answers the first one's instance. */
  clientToken: string
  region: string
  zone: string
  machineType: string
  image: string
  disk: { sizeGiB: number; type: string }
  networks: { subnet: string; publicAddress: boolean }[]
  tags: Record<string, string>
  spot: boolean
  /** Milliseconds from creation until it runs. */
  bootMs: number
  /** Whether it has to be initialized before it is of use. */
  needsInitialization: boolean
  /** Not kept; only its length and hash are. */
  userData?: Uint8Array
}

/** An instance, as the cloud answers it. */
export interface Instance extends Omit<InstanceRequest, 'userData' | 'needsInitialization' | 'bootMs'> {
  id: string
  account: string
  state: InstanceState
  initialized: boolean
  /** RFC 3339. */
  createdAt: string
  addresses: { private: string; public?: string }[]
  userData?: { bytes: number; sha256: string }
}

/** The times, in milliseconds since the epoch, from which all states of an instance follow. */
export interface InstanceTimes {
  runningAt: number
  /** When reads begin to show it. */
  visibleAt: number
  /** When it is or will be told to go; `null`: not known yet. */
  deletedAt: number | null
  terminatedAt: number | null
  /** Until when reads show it as if it had not been told to go. */
  staleUntil: number | null
}

/** The state an instance is in. */
export function stateAt(times: InstanceTimes, now: number): InstanceState {
  if (times.deletedAt === null || now < times.deletedAt) return now < times.runningAt ? 'pending' : 'running'
  return now < (times.terminatedAt ?? times.deletedAt) ? 'shutting-down' : 'terminated'
}

/** The state that reads show, which may be an older one; `undefined` while reads do not show the instance. */
export function shownStateAt(times: InstanceTimes, now: number): InstanceState | undefined {
  if (now < times.visibleAt) return undefined
  const isStale = times.staleUntil !== null && now < times.staleUntil
  return stateAt(isStale ? { ...times, deletedAt: null } : times, now)
}
