import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { fileOfEndpoint } from './endpoint.ts'
import { CloudError } from './error.ts'

type Statement = Pick<StatementSync, 'get' | 'all' | 'run'>

/**
 * The cloud's memory: one SQLite file that any number of processes share. A process that is killed leaves it as it was
 * before or after a change, never between, and the system frees its locks.
 */
export class Store {
  readonly #database: DatabaseSync
  readonly #endpoint: string
  readonly #statements = new Map<string, StatementSync>()

  private constructor(database: DatabaseSync, endpoint: string) {
    this.#database = database
    this.#endpoint = endpoint
  }

  static open(endpoint: string, signal: AbortSignal): Promise<Store> {
    return whenFree(() => new Store(openDatabase(fileOfEndpoint(endpoint)), endpoint), endpoint, signal)
  }

  /** A prepared statement. */
  sql(text: string): Statement {
    const known = this.#statements.get(text)
    if (known) return known
    const statement = this.#database.prepare(text)
    this.#statements.set(text, statement)
    return statement
  }

  /** Runs reads that need not see the same moment. */
  read<T>(work: () => T, signal: AbortSignal): Promise<T> {
    return whenFree(work, this.#endpoint, signal)
  }

  /** Runs reads and writes as one change, alone in all processes. */
  change<T>(work: () => T, signal: AbortSignal): Promise<T> {
    return whenFree(
      () => {
        this.sql('BEGIN IMMEDIATE').run()
        try {
          const result = work()
          this.sql('COMMIT').run()
          return result
        } catch (error) {
          if (this.#database.isTransaction) this.sql('ROLLBACK').run()
          throw error
        }
      },
      this.#endpoint,
      signal,
    )
  }

  close(): void {
    if (this.#database.isOpen) this.#database.close()
  }
}

function openDatabase(file: string): DatabaseSync {
  // The short time-out bounds how long a lock of another process can stop this one's event loop; whenFree does the rest.
  const database = new DatabaseSync(file, { timeout: 5 })
  try {
    database.exec('PRAGMA journal_mode = WAL')
    // What the system has got survives this process; surviving a power cut is worth nothing to a simulation.
    database.exec('PRAGMA synchronous = OFF')
    const { user_version: version } = database.prepare('PRAGMA user_version').get() ?? {}
    if (version !== schemaVersion) {
      if (version !== 0) throw wrongVersion(version)
      database.exec(`BEGIN IMMEDIATE; ${schema}; PRAGMA user_version = ${schemaVersion}; COMMIT`)
    }
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** Does something with the file of a cloud; tries again while another process has the lock. */
async function whenFree<T>(work: () => T, endpoint: string, signal: AbortSignal): Promise<T> {
  let pauseMs = 1
  while (true) {
    signal.throwIfAborted()
    try {
      return work()
    } catch (error) {
      if (!isBusy(error)) throw isSystemError(error) ? unusable(endpoint, error) : error
    }
    await pause(pauseMs * (0.5 + Math.random()), signal)
    pauseMs = Math.min(pauseMs * 2, 50)
  }
}

/** Whether SQLite or the file system failed, and not one of us. */
function isSystemError(error: unknown): error is Error {
  return error instanceof Error && ('errcode' in error || 'errno' in error)
}

function unusable(endpoint: string, cause: Error): CloudError {
  return new CloudError('ServiceUnavailable', `the simulated cloud ${endpoint} cannot be used: ${cause.message}`, {
    cause,
  })
}

/** Waits; an abort ends it with the signal's reason. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0) return
  try {
    await delay(ms, undefined, { signal })
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
}

function wrongVersion(version: unknown): CloudError {
  return new CloudError(
    'ServiceUnavailable',
    `the simulated cloud's file is of version ${version}, not ${schemaVersion}; delete it`,
  )
}

function isBusy(error: unknown): boolean {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return false
  // SQLITE_BUSY and SQLITE_LOCKED; the higher bits tell kinds of them.
  const primary = error.errcode & 0xff
  return primary === 5 || primary === 6
}

const schemaVersion = 1

const schema = `
CREATE TABLE IF NOT EXISTS settings (
  only INTEGER PRIMARY KEY CHECK (only = 1), document TEXT NOT NULL,
  clock_offset_ms REAL NOT NULL DEFAULT 0, bucket_level REAL NOT NULL DEFAULT 0, bucket_at REAL NOT NULL DEFAULT 0);
INSERT OR IGNORE INTO settings (only, document) VALUES (1, '{}');
CREATE TABLE IF NOT EXISTS faults (id INTEGER PRIMARY KEY, document TEXT NOT NULL, remaining INTEGER);
CREATE TABLE IF NOT EXISTS instances (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, client_token TEXT NOT NULL, name TEXT NOT NULL,
  account TEXT NOT NULL, credential TEXT NOT NULL, region TEXT NOT NULL, zone TEXT NOT NULL, machine_type TEXT NOT NULL,
  running_at REAL NOT NULL, visible_at REAL NOT NULL, deleted_at REAL, terminated_at REAL, stale_until REAL,
  initialized INTEGER NOT NULL, document TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS by_client_token ON instances (account, client_token);
CREATE INDEX IF NOT EXISTS by_name ON instances (account, region, name);
CREATE INDEX IF NOT EXISTS by_region ON instances (account, region)`
