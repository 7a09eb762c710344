import { MachineError, sleep } from '@mcm/sdk'
import { type DriverMethod, methodName } from '@mcm/sdk/contract'
import { hostError } from '../host-error.ts'
import type { Log } from '../log.ts'
import type { PluginPackage } from '../plugins/plugin-package.ts'
import { isFailure } from './call-outcome.ts'
import { Canary, type Outcomes } from './canary.ts'
import { CrashBudget } from './crash-budget.ts'
import type { CloudRequest, Hello } from './messages.ts'
import { type Patience, waitWithCaller } from './patience.ts'
import { describeEnd, type InstanceEnd, PluginInstance, type SupervisionLimits } from './plugin-instance.ts'
import type { Runner } from './runner.ts'

/**
 * How a plugin is:
 *
 * - `stopped`: nothing runs; the next call starts it. `reason` says why it ended, if it did.
 * - `starting`: an instance is on its way; calls wait for it. After crashes it waits first.
 * - `ready`: its instance takes calls.
 * - `failed`: its last start failed. The next call tries again.
 * - `quarantined`: it ended by itself too often, and is left alone for a while.
 * - `closed`: it was closed for good.
 */
export type SupervisorState =
  | { kind: 'stopped'; reason: string }
  | { kind: 'starting'; reason: string; ready: Promise<PluginInstance> }
  | { kind: 'ready'; instance: PluginInstance }
  | { kind: 'failed'; reason: string }
  | { kind: 'quarantined'; reason: string; untilMs: number }
  | { kind: 'closed' }

/** What a supervisor needs. */
export interface SupervisorOptions {
  runner: Runner
  limits: SupervisionLimits
  isLinted?: boolean
  log: Log
  budget?: CrashBudget
  /** Called for each request that a plugin says it has sent to its cloud. */
  onCloudRequest?(plugin: PluginPackage, request: CloudRequest): void
}

/** What came of an upgrade. */
export type UpgradeOutcome = { kind: 'upgraded' } | { kind: 'canary' } | { kind: 'failed'; reason: string }

interface CanaryRun {
  canary: Canary
  instance: PluginInstance
  /** What calls to the old version came to since the canary began. */
  old: Outcomes
}

/**
 * Keeps one plugin running: starts an instance on demand, replaces one that crashes, hangs or is outdated, and says
 * which instance gets a call. Calls move to a new instance by this choice alone; no call is ever moved.
 */
export class PluginSupervisor {
  readonly #options: SupervisorOptions
  readonly #log: Log
  readonly #budget: CrashBudget
  readonly #closing = new AbortController()
  readonly #listeners: (() => void)[] = []
  /** All that have not ended, the draining ones too. */
  readonly #instances = new Set<PluginInstance>()
  readonly #past = { calls: 0, errors: 0 }
  #package: PluginPackage
  #state: SupervisorState = { kind: 'stopped', reason: '' }
  #canary: CanaryRun | undefined
  #withdrawn: PluginPackage | undefined
  #hello: Hello | undefined
  #lastFailure: InstanceEnd | undefined
  #notice = ''
  #retry: NodeJS.Timeout | undefined
  #launches = 0
  #replacement: Promise<unknown> = Promise.resolve()
  #closed: Promise<void> | undefined

  constructor(plugin: PluginPackage, options: SupervisorOptions) {
    this.#package = plugin
    this.#options = options
    this.#log = options.log.child({ plugin: plugin.name })
    this.#budget = options.budget ?? new CrashBudget()
  }

  /** The package that new calls go to, but for those of a canary. */
  get plugin(): PluginPackage {
    return this.#package
  }

  get state(): SupervisorState {
    return this.#state
  }

  /** What the plugin last said about itself; kept while it is stopped. */
  get hello(): Hello | undefined {
    return this.#hello
  }

  /** All that run, the draining ones too; the one that gets most calls first. */
  get instances(): PluginInstance[] {
    const current = this.#current
    return [...this.#instances].sort((a, b) => Number(b === current) - Number(a === current))
  }

  /** The version that is being tried, with its share of the calls. */
  get canary(): { instance: PluginInstance; share: number } | undefined {
    return this.#canary && { instance: this.#canary.instance, share: this.#canary.canary.share }
  }

  /** The version that a canary tries, or has found to be worse. */
  get tried(): PluginPackage | undefined {
    return this.#canary?.instance.plugin ?? this.#withdrawn
  }

  /** The last end that nobody wanted. */
  get lastFailure(): InstanceEnd | undefined {
    return this.#lastFailure
  }

  /** What came of the last upgrade, when it was not what was asked for. */
  get notice(): string {
    return this.#notice
  }

  /** Calls, failed calls and restarts since the host started; calls that run, and bytes of memory, now. */
  get figures(): { calls: number; errors: number; restarts: number; running: number; memoryBytes: number } {
    const live = [...this.#instances].map(({ figures, memoryBytes = 0 }) => ({ ...figures, memoryBytes }))
    const sum = (pick: (figures: (typeof live)[number]) => number) => live.reduce((total, one) => total + pick(one), 0)
    return {
      calls: this.#past.calls + sum(({ calls }) => calls),
      errors: this.#past.errors + sum(({ errors }) => errors),
      restarts: Math.max(0, this.#launches - 1),
      running: sum(({ running }) => running),
      memoryBytes: sum(({ memoryBytes }) => memoryBytes),
    }
  }

  /** Calls back after each change. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** Starts the plugin unless it runs. Concurrent callers share one start. Rejects with a MachineError. */
  async start(): Promise<PluginInstance> {
    const state = this.#state
    switch (state.kind) {
      case 'ready':
        return state.instance
      case 'starting':
        return await state.ready
      case 'closed':
        throw this.#closedError()
      case 'quarantined':
      case 'stopped':
      case 'failed':
        return await this.#launch()
      default:
        return state satisfies never
    }
  }

  /**
   * Gives an instance to some work for one call, and keeps it from ending until the work is done. What the work comes to
   * counts for the version that it was given.
   */
  async use<T>(method: DriverMethod, patience: Patience, work: (instance: PluginInstance) => Promise<T>): Promise<T> {
    for (;;) {
      const instance = await waitWithCaller(this.#choose(), patience, (reason) => {
        const { name } = this.#package
        return reason === 'canceled'
          ? hostError('CALL_CANCELED', `${methodName(method)} was cancelled by the caller while ${name} was starting`)
          : hostError('CALL_DEADLINE', `the deadline of ${methodName(method)} passed while ${name} was starting`)
      })
      // It may have been replaced or have died while we waited for it. One that takes calls now is held before anything
      // else can happen, and a held instance does not leave.
      if (instance.state.kind !== 'ready') continue
      const release = instance.hold()
      try {
        const result = await work(instance)
        this.#count(instance, false)
        return result
      } catch (error) {
        const isCallers = MachineError.is(error) && error.code === 'Canceled'
        if (!isCallers) this.#count(instance, !MachineError.is(error) || isFailure(method, error))
        throw error
      } finally {
        release()
      }
    }
  }

  /**
   * Moves new calls to another version, or to a fresh instance of the same: starts it, and when it has shown that it
   * works, lets the old one answer what it has and end. Where it does not work, all stays as it is.
   *
   * @param canaryShare Share of the calls that the new version gets until it has proven itself, between 0 and 1.
   */
  async upgrade(plugin: PluginPackage, canaryShare?: number): Promise<UpgradeOutcome> {
    return await this.#oneByOne(async () => {
      if (this.#state.kind === 'starting') await this.#state.ready.catch(() => {})
      if (this.#state.kind === 'closed') throw this.#closedError()
      this.#budget.reset()
      this.withdraw('another version is tried')
      this.#withdrawn = undefined
      this.#notice = ''
      const failed = (error: unknown): UpgradeOutcome => {
        const reason = `${plugin.version} could not take over: ${(error as Error).message}`
        this.#log.error({ version: plugin.version, reason }, 'plugin upgrade failed')
        return { kind: 'failed', reason }
      }
      if (this.#state.kind === 'failed' || this.#state.kind === 'quarantined') {
        // There is nothing to go on with, so what was asked for is also what the next call tries.
        this.#package = plugin
        return await this.start().then(() => ({ kind: 'upgraded' }) as const, failed)
      }
      const instance = this.#newInstance(plugin)
      try {
        await instance.ready
        // The old one may be stopped, or have ended meanwhile; without it there would be nothing to compare with.
        if (canaryShare !== undefined) await this.start().catch(() => {})
        const { state } = instance
        if (state.kind === 'ended') throw new Error(`it ${state.cause} as soon as it was ready`)
      } catch (error) {
        const outcome = failed(error)
        if (outcome.kind === 'failed') this.#notice = outcome.reason
        this.#changed()
        return outcome
      }
      if (canaryShare !== undefined && this.#current) {
        this.#canary = { canary: new Canary(canaryShare), instance, old: { calls: 0, failures: 0 } }
        this.#log.info({ version: plugin.version, share: canaryShare }, 'plugin canary started')
        this.#changed()
        return { kind: 'canary' }
      }
      this.#promote(instance)
      return { kind: 'upgraded' }
    })
  }

  /** Lets it answer what it has, then ends it for good: its package is gone. */
  async retire(signal: AbortSignal, graceMs: number): Promise<void> {
    this.#close('the plugin was removed')
    for (const instance of this.#instances) instance.drain('the plugin was removed')
    const { promise: aborted, resolve } = Promise.withResolvers<void>()
    signal.addEventListener('abort', () => resolve(), { once: true })
    if (signal.aborted) resolve()
    await Promise.race([Promise.all([...this.#instances].map(({ ended }) => ended)), aborted])
    await this.close(graceMs)
  }

  /** Stops the plugin for good; what runs is cancelled. Safe to call twice. */
  close(graceMs: number): Promise<void> {
    this.#closed ??= (async () => {
      this.#close('the host is stopping')
      await Promise.all([...this.#instances].map((instance) => instance.stop(graceMs)))
    })()
    return this.#closed
  }

  #close(why: string): void {
    this.#canary = undefined
    clearTimeout(this.#retry)
    this.#closing.abort(new Error(why))
    if (this.#state.kind !== 'closed') this.#setState({ kind: 'closed' })
  }

  get #current(): PluginInstance | undefined {
    return this.#state.kind === 'ready' ? this.#state.instance : undefined
  }

  async #choose(): Promise<PluginInstance> {
    const run = this.#canary
    if (run && this.#current && run.instance.state.kind === 'ready' && run.canary.takesNext()) return run.instance
    return await this.start()
  }

  async #launch(): Promise<PluginInstance> {
    const { quarantine } = this.#budget
    if (quarantine) {
      const text = `plugin ${this.#package.name} is ${describeQuarantine(quarantine)}`
      const retryAfterMs = Math.max(0, quarantine.untilMs - Date.now())
      throw hostError('PLUGIN_QUARANTINED', text, { source: 'plugin', retryAfterMs })
    }
    const reason = 'reason' in this.#state ? this.#state.reason : ''
    this.#launches++
    const ready: Promise<PluginInstance> = this.#startInstance(() => {
      return this.#state.kind === 'starting' && this.#state.ready === ready
    })
    // Who waits for it learns of a failure; when nobody does, the state tells.
    ready.catch(() => {})
    this.#setState({ kind: 'starting', reason, ready })
    return await ready
  }

  /** @param isAwaited Whether this start is still the one that calls wait for: an upgrade or the end may have overtaken it. */
  async #startInstance(isAwaited: () => boolean): Promise<PluginInstance> {
    const delayMs = this.#budget.delayMs()
    if (delayMs > 0) {
      await sleep(delayMs, this.#closing.signal).catch(() => {
        throw this.#closedError()
      })
    }
    const instance = this.#newInstance(this.#package)
    try {
      await instance.ready
    } catch (error) {
      if (isAwaited()) {
        this.#settle('failed', instance)
        throw error
      }
    }
    if (!isAwaited()) {
      instance.drain('another was faster')
      return await this.start()
    }
    this.#setCurrent(instance)
    return instance
  }

  #newInstance(plugin: PluginPackage): PluginInstance {
    const { runner, limits, isLinted = false, log } = this.#options
    const instance = new PluginInstance(plugin, {
      runner,
      limits,
      isLinted,
      log,
      onChange: (changed) => this.#instanceChanged(changed),
      onSignalIgnored: () => this.#replaceIgnoring(),
      onCloudRequest: (request) => this.#options.onCloudRequest?.(plugin, request),
    })
    this.#instances.add(instance)
    return instance
  }

  #instanceChanged(instance: PluginInstance): void {
    const { state } = instance
    if (state.kind !== 'ended') {
      this.#changed()
      return
    }
    this.#instances.delete(instance)
    this.#past.calls += instance.figures.calls
    this.#past.errors += instance.figures.errors
    if (!state.isWanted) this.#lastFailure = state
    if (this.#canary?.instance === instance) this.withdraw(`it ${state.cause}`)
    else if (this.#current === instance) this.#settle('stopped', instance)
    else this.#changed()
    // There may be room for another now. Not after one that ended by itself: it may be the fresh one that did not start.
    if (state.isWanted) this.#replaceIgnoring()
  }

  /** What calls went to, or waited for, has ended. */
  #settle(kind: 'stopped' | 'failed', { state }: PluginInstance): void {
    if (state.kind !== 'ended' || this.#state.kind === 'closed') return
    if (!state.isWanted) this.#budget.record(state.cause)
    const { quarantine } = this.#budget
    if (quarantine) {
      const reason = describeQuarantine(quarantine)
      this.#log.error({ reason }, 'plugin quarantined')
      this.#setState({ kind: 'quarantined', reason, untilMs: quarantine.untilMs })
      this.#retryAfter(quarantine.untilMs - Date.now())
      // The version on trial is what is left.
      const run = this.#canary
      if (run?.instance.state.kind === 'ready') this.#promote(run.instance)
    } else {
      this.#setState({ kind, reason: describeEnd(state) })
      if (kind === 'failed') this.#retryAfter(failedRetryMs)
    }
  }

  /** Calls try too, but none may come: whoever asks whether the host is ready keeps them away from a plugin that failed. */
  #retryAfter(ms: number): void {
    this.#retry = setTimeout(() => void this.start().catch(() => {}), ms).unref()
  }

  #setCurrent(instance: PluginInstance): void {
    this.#hello = instance.hello
    this.#budget.recovered()
    // It may have been closed, or the instance may have died again, since it became ready.
    if (this.#state.kind === 'closed') void instance.stop(0)
    else if (instance.state.kind === 'ready') this.#setState({ kind: 'ready', instance })
    else this.#settle('stopped', instance)
  }

  /** New calls go to this instance from now on. */
  #promote(instance: PluginInstance): void {
    const old = this.#current
    const from = this.#package.version
    this.#canary = undefined
    this.#package = instance.plugin
    // The crashes of the version before, while this one started, are not its own.
    this.#budget.reset()
    this.#setCurrent(instance)
    old?.drain(`replaced by ${instance.plugin.version}`)
    this.#log.info({ from, version: instance.plugin.version }, 'plugin upgraded')
    this.#replaceIgnoring()
  }

  /** Takes the calls away from the version that is being tried. */
  withdraw(why: string): void {
    const run = this.#canary
    if (!run) return
    this.#canary = undefined
    this.#withdrawn = run.instance.plugin
    const { version } = run.instance.plugin
    this.#notice = `${version} was withdrawn: ${why}`
    this.#log.warn({ version, why }, 'plugin canary withdrawn')
    run.instance.drain(`withdrawn: ${why}`)
    this.#changed()
  }

  #count(instance: PluginInstance, isFailed: boolean): void {
    instance.outcomes.calls++
    if (isFailed) instance.outcomes.failures++
    const run = this.#canary
    if (!run) return
    // Versions that are on their way out say nothing about either.
    if (instance === this.#current) {
      run.old.calls++
      if (isFailed) run.old.failures++
    }
    const verdict = run.canary.verdict(run.instance.outcomes, run.old)
    if (verdict === 'worse') {
      this.withdraw(`${share(run.instance.outcomes)} failed, of ${this.#package.version} ${share(run.old)}`)
    } else if (verdict === 'good' && run.instance.state.kind === 'ready') {
      this.#promote(run.instance)
    }
  }

  /** A call holds on to what it has; only the end of the process lets go. Others get a fresh process first. */
  #replaceIgnoring(): void {
    if (this.#canary?.instance.isIgnoringSignals) this.withdraw('a call ignores its signal')
    const instance = this.#current
    if (!instance?.isIgnoringSignals || this.#instances.size > maxInstances) return
    void this.#oneByOne(async () => {
      if (this.#current !== instance) return
      const fresh = this.#newInstance(this.#package)
      try {
        await fresh.ready
      } catch {
        // Logged as an end by itself; the old one goes on.
        return
      }
      if (this.#current !== instance) {
        fresh.drain('not needed')
        return
      }
      this.#setCurrent(fresh)
      instance.drain('a call ignores its signal')
    })
  }

  /** One replacement at a time, or two could each drain what the other has just started. */
  #oneByOne<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#replacement.then(work)
    this.#replacement = done.catch(() => {})
    return done
  }

  #setState(state: SupervisorState): void {
    clearTimeout(this.#retry)
    this.#state = state
    this.#changed()
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }

  #closedError(): MachineError {
    const reason = this.#closing.signal.reason as Error | undefined
    return hostError('HOST_STOPPING', `plugin ${this.#package.name} is not run any more: ${reason?.message}; try again`)
  }
}

function describeQuarantine({
  reason,
  crashes,
  lastMs,
  untilMs,
}: {
  reason: string
  crashes: number
  lastMs: number
  untilMs: number
}): string {
  const time = (ms: number) => new Date(ms).toISOString().slice(11, 19)
  return `left alone until ${time(untilMs)} UTC, or until "mcm plugin reload": it ended by itself ${crashes} times in 5 min, last at ${time(lastMs)}: ${reason}`
}

function share({ calls, failures }: Outcomes): string {
  return `${failures} of ${calls} calls (${Math.round((100 * failures) / Math.max(1, calls))} %)`
}

// A start that fails at once is told by the crash budget from one that will do later, on a machine that is busy now.
const failedRetryMs = 30_000
// More that run at the same time would only multiply what a plugin does wrong.
const maxInstances = 4
