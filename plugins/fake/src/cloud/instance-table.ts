import { createHash, randomBytes } from 'node:crypto'
import type { Credential } from './credential.ts'
import {
  type Instance,
  type InstanceRequest,
  type InstanceState,
  type InstanceTimes,
  shownStateAt,
  stateAt,
} from './instance.ts'
import type { Quota, Settings } from './settings.ts'
import type { Store } from './store.ts'

/** A row of the table of instances: one instance with the times that its states follow from. */
export interface InstanceRow {
  times: InstanceTimes
  /** The instance in the given state. */
  as(state: InstanceState): Instance
  seq: number
}

/** Which rows: columns by the value that they must have, and more conditions. */
interface Selection {
  where: Record<string, string>
  /** Only rows whose instance carries a tag with this key. */
  tag?: string
  /** Only rows after this one. */
  afterSeq?: number
  /** Without those that had been terminated before, and that reads no longer show alive. */
  notGoneBefore?: number
  limit?: number
}

/** Reads rows in the order of their creation. */
export function selectInstances(
  store: Store,
  { where, tag, afterSeq, notGoneBefore, limit }: Selection,
): InstanceRow[] {
  const conditions = Object.keys(where).map((column) => `${column} = ?`)
  const values: (string | number)[] = Object.values(where)
  if (tag !== undefined) {
    conditions.push(`EXISTS (SELECT 1 FROM json_each(document, '$.tags') WHERE key = ?)`)
    values.push(tag)
  }
  if (afterSeq !== undefined) {
    conditions.push('seq > ?')
    values.push(afterSeq)
  }
  if (notGoneBefore !== undefined) {
    conditions.push('(terminated_at IS NULL OR max(terminated_at, stale_until) > ?)')
    values.push(notGoneBefore)
  }
  const filter = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : ''
  return store
    .sql(`SELECT ${columns} FROM instances ${filter} ORDER BY seq LIMIT ?`)
    .all(...values, limit ?? -1)
    .map(rowOf)
}

/** The living instance that a client token names. */
export function livingByClientToken(store: Store, account: string, clientToken: string, now: number) {
  return selectInstances(store, { where: { account, client_token: clientToken } }).find((row) => isLiving(row, now))
}

/** Whether an instance has not been told to go. */
export function isLiving(row: InstanceRow, now: number): boolean {
  const state = stateAt(row.times, now)
  return state === 'pending' || state === 'running'
}

/** The instance as reads show it; `undefined` while they do not. */
export function shown(row: InstanceRow, now: number): Instance | undefined {
  const state = shownStateAt(row.times, now)
  return state && row.as(state)
}

/** The instance as it is. */
export function actual(row: InstanceRow, now: number): Instance {
  return row.as(stateAt(row.times, now))
}

/** How many living instances a quota counts together with those of a request; `undefined` where it says nothing of it. */
export function countedBy(
  quota: Quota,
  store: Store,
  credential: Credential,
  request: InstanceRequest,
  now: number,
): { name: string; count: number } | undefined {
  const column = quota.per === 'machineType' ? 'machine_type' : quota.per
  const name = { ...request, account: credential.account, credential: credential.id }[quota.per]
  if (quota.name !== undefined && quota.name !== name) return undefined
  const found = store
    .sql(
      `SELECT count(*) AS count FROM instances
       WHERE account = ? AND ${column} = ? AND (deleted_at IS NULL OR deleted_at > ?)`,
    )
    .get(credential.account, name, now)
  return { name, count: Number(found?.count) }
}

/** Adds an instance. */
export function insertInstance(
  store: Store,
  credential: Credential,
  request: InstanceRequest,
  settings: Settings,
  now: number,
): InstanceRow {
  const { userData, needsInitialization, bootMs, ...kept } = request
  const id = `i-${randomBytes(8).toString('hex')}`
  const document = {
    ...kept,
    id,
    account: credential.account,
    createdAt: new Date(now).toISOString(),
    ...(userData && {
      userData: { bytes: userData.length, sha256: createHash('sha256').update(userData).digest('hex') },
    }),
  }
  const end = request.spot && settings.spotLifetimeMs > 0 ? now + settings.spotLifetimeMs : null
  const row = store
    .sql(
      `INSERT INTO instances (id, client_token, name, account, credential, region, zone, machine_type,
         running_at, visible_at, deleted_at, terminated_at, stale_until, initialized, document)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING ${columns}`,
    )
    .get(
      id,
      request.clientToken,
      request.name,
      credential.account,
      credential.id,
      request.region,
      request.zone,
      request.machineType,
      now + bootMs,
      now + settings.appearsAfterMs,
      end,
      end,
      end,
      needsInitialization ? 0 : 1,
      JSON.stringify(document),
    )
  return rowOf(row ?? {})
}

/** Tells a living instance to go. One that is going or gone already stays as it is. */
export function endInstance(store: Store, row: InstanceRow, settings: Settings, now: number): void {
  if (!isLiving(row, now)) return
  store
    .sql('UPDATE instances SET deleted_at = ?, terminated_at = ?, stale_until = ? WHERE seq = ?')
    .run(now, now + settings.terminationMs, now + settings.disappearsAfterMs, row.seq)
}

export function markInitialized(store: Store, row: InstanceRow): void {
  store.sql('UPDATE instances SET initialized = 1 WHERE seq = ?').run(row.seq)
}

// What rowOf reads. Naming them is twice as fast as reading all.
const columns = 'seq, running_at, visible_at, deleted_at, terminated_at, stale_until, initialized, document'

function rowOf(row: Record<string, unknown>): InstanceRow {
  const seq = Number(row.seq)
  const time = (value: unknown) => (value === null ? null : Number(value))
  return {
    seq,
    times: {
      runningAt: Number(row.running_at),
      visibleAt: Number(row.visible_at),
      deletedAt: time(row.deleted_at),
      terminatedAt: time(row.terminated_at),
      staleUntil: time(row.stale_until),
    },
    as(state) {
      // insertInstance wrote it, so it has the shape.
      const document = JSON.parse(String(row.document)) as Omit<Instance, 'state' | 'initialized' | 'addresses'>
      const addresses = document.networks.map(({ publicAddress }, index) => addressesOf(seq, index, publicAddress))
      return { ...document, state, initialized: row.initialized === 1, addresses }
    },
  }
}

/** Unique for some 65,000 instances per network: private ones of 10/8, public ones of the net for benchmarks, 198.18/15. */
function addressesOf(seq: number, network: number, isPublic: boolean): { private: string; public?: string } {
  const host = `${(seq >> 8) & 255}.${seq & 255}`
  return { private: `10.${network & 255}.${host}`, ...(isPublic && { public: `198.${18 + (network & 1)}.${host}` }) }
}
