import { cloudNow, readSettings } from './admission.ts'
import { defaultEndpoint } from './endpoint.ts'
import { checkFault, type Fault } from './fault.ts'
import type { Instance } from './instance.ts'
import { actual, endInstance, selectInstances } from './instance-table.ts'
import { changedSettings, type Settings } from './settings.ts'
import { Store } from './store.ts'

/**
 * Opens the control room of the simulated cloud: for tests, demonstrations and the command line, from any process,
 * while others use the cloud.
 */
export async function controlCloud(endpoint = defaultEndpoint()): Promise<CloudControl> {
  return new CloudControl(await Store.open(endpoint, deadline()))
}

/** Rules the cloud and sees all of it as it is, without lag. */
export class CloudControl {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  settings(): Promise<Settings> {
    return this.#store.read(() => readSettings(this.#store), deadline())
  }

  /** Changes some settings; those that are not named stay. Answers all. */
  set(changes: Partial<Settings>): Promise<Settings> {
    return this.#change(() => {
      const settings = changedSettings(readSettings(this.#store), changes)
      this.#store.sql('UPDATE settings SET document = ?').run(JSON.stringify(settings))
      return settings
    })
  }

  /** Lets something go wrong. Faults that are there already come first. */
  async inject(fault: Fault): Promise<void> {
    checkFault(fault)
    const remaining = fault.times === 'always' ? null : (fault.times ?? 1)
    await this.#change(() =>
      this.#store.sql('INSERT INTO faults (document, remaining) VALUES (?, ?)').run(JSON.stringify(fault), remaining),
    )
  }

  /** The faults that have yet to fire; `times` says how often. */
  async faults(): Promise<Fault[]> {
    const rows = await this.#store.read(
      () => this.#store.sql('SELECT * FROM faults WHERE remaining IS NULL OR remaining > 0 ORDER BY id').all(),
      deadline(),
    )
    return rows.map(({ document, remaining }) => ({
      // inject wrote it.
      ...(JSON.parse(String(document)) as Fault),
      times: remaining === null ? 'always' : Number(remaining),
    }))
  }

  async clearFaults(): Promise<void> {
    await this.#change(() => this.#store.sql('DELETE FROM faults').run())
  }

  /** All instances there ever were, oldest first, in their true states. */
  instances(): Promise<Instance[]> {
    return this.#store.read(() => {
      const now = cloudNow(this.#store)
      return selectInstances(this.#store, { where: {} }).map((row) => actual(row, now))
    }, deadline())
  }

  /** Lets an instance die, as if its hardware had failed. Answers whether there was one of that id. */
  kill(id: string): Promise<boolean> {
    return this.#change(() => {
      const [row] = selectInstances(this.#store, { where: { id } })
      if (row) endInstance(this.#store, row, { ...readSettings(this.#store), terminationMs: 0 }, cloudNow(this.#store))
      return row !== undefined
    })
  }

  /** Puts the cloud's clock forward, so that nobody has to wait for a boot or for a lag to end. */
  async advance(ms: number): Promise<void> {
    if (!(ms >= 0)) throw new TypeError(`the clock can only go forward, not by ${ms} ms`)
    await this.#change(() => this.#store.sql('UPDATE settings SET clock_offset_ms = clock_offset_ms + ?').run(ms))
  }

  /** Forgets everything: instances, settings, faults. */
  async reset(): Promise<void> {
    await this.#change(() => {
      for (const text of resets) this.#store.sql(text).run()
    })
  }

  close(): void {
    this.#store.close()
  }

  #change<T>(work: () => T): Promise<T> {
    return this.#store.change(work, deadline())
  }
}

const resets = [
  'DELETE FROM instances',
  'DELETE FROM faults',
  "UPDATE settings SET document = '{}', clock_offset_ms = 0, bucket_level = 0, bucket_at = 0",
]

/** A change waits for locks only, which live for less than a millisecond. */
function deadline(): AbortSignal {
  return AbortSignal.timeout(10_000)
}
