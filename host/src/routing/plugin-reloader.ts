import { stat } from 'node:fs/promises'
import { resolve, sep } from 'node:path'
import type { Log } from '../log.ts'
import type { FoundPlugins } from '../plugins/find-plugins.ts'
import type { PluginPackage } from '../plugins/plugin-package.ts'
import type { PluginSupervisor } from '../runtime/plugin-supervisor.ts'
import type { RouteTable } from './route-table.ts'

/** What came of one plugin. */
export interface PluginChange {
  name: string
  kind: 'unchanged' | 'added' | 'upgraded' | 'canary' | 'removed' | 'failed'
  fromVersion: string
  toVersion: string
  /** Why it could not be done. */
  reason: string
}

/** How to look again. */
export interface ReloadOptions {
  /** Share of the calls that a new version gets until it has proven itself, between 0 and 1. */
  canaryShare?: number
}

/** What a reloader needs. */
export interface ReloaderOptions {
  routes: RouteTable
  find(): Promise<FoundPlugins>
  supervise(plugin: PluginPackage): PluginSupervisor
  /** Files whose change means that plugins have changed: the lock files of plugin folders. They need not be there yet. */
  watched: readonly string[]
  /** {@link signatureOf} the watched files, from before the plugins were found that run now. */
  signature: string
  /** How long a plugin that was removed may answer what it has. Milliseconds. */
  leaveMs: number
  log: Log
}

/** Looks for plugins again, and goes over from what runs to what is there now. */
export class PluginReloader {
  readonly #options: ReloaderOptions
  readonly #leaving = new Set<Promise<void>>()
  #signature: string
  #last: Promise<unknown> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(options: ReloaderOptions) {
    this.#options = options
    this.#signature = options.signature
  }

  /**
   * Looks again whenever a watched file changes, until {@link close}. Asking is slower than being told, but works on every
   * file system, and for a file that is not there yet.
   */
  watch(): void {
    this.#timer = setTimeout(() => {
      // Armed again only after it, or looks would queue up behind a slow reload and each find the same change.
      void this.#look()
        .catch((error: unknown) => {
          this.#options.log.error({ error: String(error) }, 'plugins could not be loaded again')
        })
        .finally(() => {
          if (!this.#isClosed) this.watch()
        })
    }, watchIntervalMs).unref()
  }

  /**
   * Looks again now. Plugins without a lock file are started afresh, since nothing says whether their files are the same;
   * quarantined and failed ones too. One at a time; a second one waits.
   */
  async reload(options: ReloadOptions = {}): Promise<PluginChange[]> {
    return await this.#oneByOne(options, true)
  }

  /** Stops watching; resolves when the last reload has ended. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#last
    await Promise.all(this.#leaving)
  }

  async #look(): Promise<void> {
    // What changes while plugins are being loaded is seen afterwards.
    await this.#last
    if (this.#isClosed || (await signatureOf(this.#options.watched)) === this.#signature) return
    this.#options.log.info({ files: this.#options.watched }, 'plugin folder changed')
    await this.#oneByOne({}, false)
  }

  #oneByOne(options: ReloadOptions, isAsked: boolean): Promise<PluginChange[]> {
    const done = this.#last.then(() => (this.#isClosed ? [] : this.#reload(options, isAsked)))
    this.#last = done.catch(() => {})
    return done
  }

  async #reload(options: ReloadOptions, isAsked: boolean): Promise<PluginChange[]> {
    const { routes, find, log, watched } = this.#options
    // Before, so that a change in between is not missed.
    const signature = await signatureOf(watched)
    const { plugins, rejected } = await find()
    this.#signature = signature
    // What would be started now would hold up the host's end.
    if (this.#isClosed) return []
    // A plugin whose files cannot be read or used now, such as half an upgrade, goes on with what it has loaded.
    const isKept = ({ name, folder }: PluginPackage) =>
      plugins.some((plugin) => plugin.name === name) ||
      rejected.some((other) => other.name === name || isInside(folder, other.folder || other.name))
    const gone = routes.supervisors.filter(({ plugin }) => !isKept(plugin))
    // First, so that their provider names are free.
    const removals = gone.map((supervisor) => this.#remove(supervisor))
    routes.rejected = rejected
    const changes = await Promise.all(plugins.map((plugin) => this.#goOver(plugin, options, isAsked)))
    const unusable = rejected.flatMap(({ name, version, reason }) => {
      const running = plugins.some((plugin) => plugin.name === name) ? undefined : routes.get(name)
      return running ? [change('failed', running.plugin, { version }, reason)] : []
    })
    const all = [...changes, ...removals, ...unusable].sort((a, b) => a.name.localeCompare(b.name))
    for (const { kind, name, fromVersion, toVersion, reason } of all) {
      if (kind !== 'unchanged') log.info({ plugin: name, kind, fromVersion, toVersion, reason }, 'plugin loaded again')
    }
    return all
  }

  #remove(supervisor: PluginSupervisor): PluginChange {
    const { routes, leaveMs } = this.#options
    const leave = routes.remove(supervisor, () => supervisor.retire(AbortSignal.timeout(leaveMs), pluginGraceMs))
    this.#leaving.add(leave)
    void leave.finally(() => this.#leaving.delete(leave))
    return change('removed', supervisor.plugin, { version: '' })
  }

  async #goOver(plugin: PluginPackage, { canaryShare }: ReloadOptions, isAsked: boolean): Promise<PluginChange> {
    const { routes, supervise } = this.#options
    const supervisor = routes.get(plugin.name)
    if (!supervisor) {
      const added = supervise(plugin)
      routes.add(added)
      const before = { name: plugin.name, version: '' }
      return await added.start().then(
        () => change('added', before, plugin),
        (error: Error) => change('failed', before, plugin, error.message),
      )
    }
    const before = supervisor.plugin
    const isSame = isSamePackage(before, plugin)
    const isWell = supervisor.state.kind === 'ready' || supervisor.state.kind === 'stopped'
    // Whoever has put the old version back has made up their mind.
    if (isSame && supervisor.canary && !isSamePackage(supervisor.canary.instance.plugin, plugin)) {
      supervisor.withdraw('the version before was installed again')
      return change('unchanged', before, plugin)
    }
    if (isSame && !(isAsked && (plugin.tree === undefined || !isWell))) return change('unchanged', before, plugin)
    // What a canary tries or has found to be worse is not put in by a change of the folder, which may be another plugin's.
    if (!isAsked && supervisor.tried && isSamePackage(supervisor.tried, plugin)) {
      return change('unchanged', before, before)
    }
    const outcome = await supervisor.upgrade(plugin, canaryShare)
    return change(outcome.kind, before, plugin, outcome.kind === 'failed' ? outcome.reason : '')
  }
}

/** The folder of a locked plugin is named by its content. */
function isSamePackage(a: PluginPackage, b: PluginPackage): boolean {
  return a.folder === b.folder && a.version === b.version
}

/** Tells one state of some files from another. A lock file is replaced by a rename, so it is another file then. */
export async function signatureOf(files: readonly string[]): Promise<string> {
  const parts = await Promise.all(
    files.map((file) =>
      stat(file).then(
        ({ ino, mtimeMs, size }) => `${ino} ${mtimeMs} ${size}`,
        () => '',
      ),
    ),
  )
  return parts.join()
}

function isInside(path: string, folder: string): boolean {
  return path === resolve(folder) || path.startsWith(`${resolve(folder)}${sep}`)
}

function change(
  kind: PluginChange['kind'],
  before: { name: string; version: string },
  after: { version: string },
  reason = '',
): PluginChange {
  return { kind, name: before.name, fromVersion: before.version, toVersion: after.version, reason }
}

const watchIntervalMs = 2000
const pluginGraceMs = 5000
