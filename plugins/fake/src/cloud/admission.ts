import { type Credential, readToken } from './credential.ts'
import { CloudError } from './error.ts'
import { type Fault, hits } from './fault.ts'
import type { Operation, OperationOptions } from './operation.ts'
import { defaultSettings, type Settings } from './settings.ts'
import type { Store } from './store.ts'

/** What an operation meets at the cloud's door. */
export interface Admission {
  credential: Credential
  settings: Settings
  /** The fault that the operation suffers. */
  fault: Fault | undefined
}

/** Checks the token and the rate, and looks whether a fault waits for the operation. Throws when it is turned away. */
export async function admit(
  store: Store,
  token: string,
  operation: Operation,
  { signal, ...about }: OperationOptions,
): Promise<Admission> {
  const settings = await store.read(() => readSettings(store), signal)
  const credential = readToken(token)
  if (!credential || (settings.credentials.length > 0 && !settings.credentials.includes(credential.id))) {
    throw new CloudError('InvalidToken', 'the token is not valid; its form is <account>:<key>')
  }
  if (settings.requestsPerSecond > 0) {
    const waitMs = await store.change(() => takeFromBucket(store, settings.requestsPerSecond), signal)
    if (waitMs > 0) {
      throw new CloudError('Throttled', `more than ${settings.requestsPerSecond} requests per second`, {
        retryAfterMs: waitMs,
      })
    }
  }
  const fault = await store.read(() => claimFault(store, (candidate) => hits(candidate, operation, about)), signal)
  return { credential, settings, fault }
}

/** The settings as they are now. */
export function readSettings(store: Store): Settings {
  const row = store.sql('SELECT document FROM settings').get()
  // Only changedSettings made it, so it has the shape.
  return { ...defaultSettings, ...(JSON.parse(String(row?.document)) as Partial<Settings>) }
}

/** What the cloud's clock shows. */
export function cloudNow(store: Store): number {
  return Date.now() + Number(store.sql('SELECT clock_offset_ms FROM settings').get()?.clock_offset_ms)
}

/** Takes one request out of a bucket that holds one second's worth; answers the milliseconds to wait when it is empty. */
function takeFromBucket(store: Store, perSecond: number): number {
  const row = store.sql('SELECT bucket_level, bucket_at FROM settings').get()
  const now = cloudNow(store)
  const gained = ((now - Number(row?.bucket_at)) / 1000) * perSecond
  const capacity = Math.max(1, perSecond)
  const level = Math.min(capacity, Number(row?.bucket_level) + gained)
  const isEmpty = level < 1
  store.sql('UPDATE settings SET bucket_level = ?, bucket_at = ?').run(isEmpty ? level : level - 1, now)
  return isEmpty ? Math.ceil(((1 - level) / perSecond) * 1000) : 0
}

function claimFault(store: Store, matches: (fault: Fault) => boolean): Fault | undefined {
  for (const row of store.sql('SELECT * FROM faults ORDER BY id').all()) {
    // CloudControl.inject checked it.
    const fault = JSON.parse(String(row.document)) as Fault
    if (!matches(fault) || Math.random() >= (fault.probability ?? 1)) continue
    if (row.remaining === null) return fault
    // Another process may claim the last one between the read and here; then nothing changes.
    const claim = store
      .sql('UPDATE faults SET remaining = remaining - 1 WHERE id = ? AND remaining > 0')
      .run(Number(row.id))
    if (claim.changes === 1) return fault
  }
  return undefined
}
