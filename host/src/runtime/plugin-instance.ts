import { randomUUID } from 'node:crypto'
import type { MachineError } from '@mcm/sdk'
import { type DriverMethod, methodName, type PluginRequest } from '@mcm/sdk/contract'
import { ClassValidator } from '@mcm/sdk/schema'
import { hostError } from '../host-error.ts'
import type { Log } from '../log.ts'
import type { PluginPackage } from '../plugins/plugin-package.ts'
import type { Outcomes } from './canary.ts'
import { Liveness } from './liveness.ts'
import type { CancelReason, CloudRequest, Hello, PluginMessage } from './messages.ts'
import { type Patience, waitWithCaller, whyGone } from './patience.ts'
import { pluginError } from './plugin-error.ts'
import { readMessage } from './read-message.ts'
import { redactAll } from './redact.ts'
import type { PluginEnd, Runner, RunningPlugin } from './runner.ts'
import { SecretMemory } from './secret-memory.ts'

/**
 * How an instance is. It only ever moves down this list:
 *
 * - `starting`: it was started and has not shown yet that it works.
 * - `ready`: it takes calls.
 * - `draining`: another takes new calls; it answers what it has, and then ends. `why` says what made it leave.
 * - `ended`.
 */
export type InstanceState =
  | { kind: 'starting' }
  | { kind: 'ready' }
  | { kind: 'draining'; why: string }
  | ({ kind: 'ended' } & InstanceEnd)

/** How an instance ended. Without secrets. */
export interface InstanceEnd {
  /** In one line. */
  cause: string
  /** What it printed last; empty where that explains nothing. */
  lastLines: readonly string[]
  /** Whether the host wanted it. */
  isWanted: boolean
  atMs: number
}

/** What the host puts up with. Times in milliseconds. */
export interface SupervisionLimits {
  /** How long a plugin may take to start. */
  startMs: number
  /** How long a sign of life may take before the plugin counts as stuck. */
  stuckMs: number
  /** How long a plugin may go on with a call whose signal has aborted. */
  abortGraceMs: number
  /** The largest answer. Bytes. */
  maxAnswerBytes: number
}

/** What an instance needs, and whom it tells. */
export interface InstanceOptions {
  runner: Runner
  limits: SupervisionLimits
  /** Warn about what authors should not do. */
  isLinted: boolean
  log: Log
  onChange(instance: PluginInstance): void
  /** A call goes on although its signal aborted long ago: what it holds is only given back by the instance's end. */
  onSignalIgnored(instance: PluginInstance): void
  /** It says that it has sent a request to its cloud. */
  onCloudRequest(request: CloudRequest): void
}

/** One call to a plugin. */
export interface PluginCall extends Patience {
  method: DriverMethod
  request: PluginRequest
  /** Name of the machine or class, for the log. */
  machine: string
  /** Names the call in the log. */
  requestId: string
  /**
   * Called once, when the plugin works on the call no longer: before the caller gets the answer, or, when the caller
   * has gone, later. Until then no other changing call for the machine may start, or two could race at the cloud.
   */
  onEnd(): void
}

/** What is known of a call that runs. */
interface RunningCall {
  method: DriverMethod
  machine: string
  requestId: string
  isAcknowledged: boolean
  /** Its signal aborted, and the grace after that is over. */
  isIgnoringSignal: boolean
  resolve(response: unknown): void
  reject(error: MachineError): void
}

/**
 * One version of a plugin, run once: starts at once, takes calls, tells the callers when it ends, and never comes back.
 * {@link PluginSupervisor} decides which instance gets which call.
 */
export class PluginInstance {
  readonly plugin: PluginPackage
  /** Tells the instances of one plugin apart in the log. */
  readonly id = randomUUID().slice(0, 8)
  /** Resolves when it takes calls. Rejects with a MachineError when it never will. */
  readonly ready: Promise<void>
  /** Resolves when nothing of it runs any more. */
  readonly ended: Promise<InstanceEnd>
  /** What the supervisor counts for it. */
  readonly outcomes: Outcomes = { calls: 0, failures: 0 }
  readonly #options: InstanceOptions
  readonly #log: Log
  readonly #nonce = randomUUID()
  readonly #running: RunningPlugin
  readonly #calls = new Map<number, RunningCall>()
  readonly #figures = { calls: 0, errors: 0 }
  readonly #secrets = new SecretMemory()
  /** Blacks out the secrets of all calls that a text may come from. */
  readonly #redact = (text: string) => this.#secrets.redact(text)
  readonly #liveness: Liveness
  readonly #helloTimer: NodeJS.Timeout
  readonly #readiness = Promise.withResolvers<void>()
  readonly #ending = Promise.withResolvers<InstanceEnd>()
  #state: InstanceState = { kind: 'starting' }
  #declared: { hello: Hello; validator: ClassValidator } | undefined
  #holders = 0
  #foreignMessages = 0
  #hasPrinted = false
  #lastCallId = 0
  /** Why the host ended it. */
  #wish: 'stopping' | 'drained' | undefined

  constructor(plugin: PluginPackage, options: InstanceOptions) {
    this.plugin = plugin
    this.ready = this.#readiness.promise
    this.ended = this.#ending.promise
    // Who does not wait for it learns of a failure by the change of the state.
    this.ready.catch(() => {})
    this.#options = options
    this.#log = options.log.child({ plugin: plugin.name, pluginVersion: plugin.version, instance: this.id })
    this.#liveness = new Liveness({
      stuckMs: options.limits.stuckMs,
      isBusy: () => this.#calls.size > 0,
      ping: (id) => this.#running.send({ type: 'health', id }),
      onStuck: () => {
        const seconds = options.limits.stuckMs / 1000
        void this.#running.kill(`was stuck: its event loop gave no sign of life for ${seconds} s`)
      },
    })
    this.#running = options.runner.start(plugin, {
      output: (line) => this.#printed(line),
      message: (value) => this.#receive(readMessage(value)),
      ended: (end) => this.#ended(end),
    })
    const { isLinted, limits } = options
    const { entry } = plugin
    const { maxAnswerBytes } = limits
    this.#running.send({ type: 'start', nonce: this.#nonce, entry, isLinted, maxAnswerBytes })
    const { startMs } = options.limits
    this.#helloTimer = setTimeout(() => this.#refuse(`it said no hello within ${startMs / 1000} s`), startMs)
  }

  get state(): InstanceState {
    return this.#state
  }

  get pid(): number | undefined {
    return this.#state.kind === 'ended' ? undefined : this.#running.pid
  }

  get memoryBytes(): number | undefined {
    return this.#state.kind === 'ended' ? undefined : this.#running.memoryBytes()
  }

  /** Calls that it was given, those that failed, and those that run. */
  get figures(): { calls: number; errors: number; running: number } {
    return { ...this.#figures, running: this.#calls.size }
  }

  /** Whether a call goes on although its signal aborted long ago. */
  get isIgnoringSignals(): boolean {
    return [...this.#calls.values()].some(({ isIgnoringSignal }) => isIgnoringSignal)
  }

  /** What it said about itself; only once it was ready. */
  get hello(): Hello {
    return this.#declaration.hello
  }

  /** Checks requests against what it declared; only once it was ready. */
  get validator(): ClassValidator {
    return this.#declaration.validator
  }

  /**
   * Keeps a draining instance from ending until the returned function is called: whoever was given this instance can
   * still make a call. Synchronous, so that nothing comes between the choice of an instance and its hold.
   */
  hold(): () => void {
    this.#holders++
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      this.#holders--
      this.#endIfDrained()
    }
  }

  /**
   * Runs one call. When the caller goes or the deadline passes, the caller gets its error at once, and the plugin is
   * told to stop. Rejects with a MachineError.
   */
  async call({ method, request, machine, requestId, onEnd, ...patience }: PluginCall): Promise<unknown> {
    this.#figures.calls++
    try {
      if (this.#state.kind === 'starting') throw new Error('a call came before the plugin was ready')
      if (this.#wish === 'stopping') throw this.#stoppingError()
      if (this.#state.kind === 'ended') throw this.#endedError(method, 'is not running')
      // A call that nobody waits for is not begun.
      const gone = whyGone(patience)
      if (gone) throw this.#goneError(method, gone)
    } catch (error) {
      this.#figures.errors++
      onEnd()
      throw error
    }
    const { promise: reply, resolve, reject } = Promise.withResolvers<unknown>()
    const id = ++this.#lastCallId
    let graceTimer: NodeJS.Timeout | undefined
    let isError = false
    const releaseSecret = this.#secrets.hold(request.secret ?? {})
    const end = () => {
      releaseSecret()
      clearTimeout(graceTimer)
      this.#calls.delete(id)
      onEnd()
      this.#endIfDrained()
    }
    // At once, and once: its caller may have gone before the plugin fails it.
    const countError = () => {
      if (!isError) this.#figures.errors++
      isError = true
    }
    const call: RunningCall = {
      method,
      machine,
      requestId,
      isAcknowledged: false,
      isIgnoringSignal: false,
      resolve(response) {
        end()
        resolve(response)
      },
      reject(error) {
        countError()
        end()
        reject(error)
      },
    }
    this.#calls.set(id, call)
    this.#liveness.expect(id)
    this.#running.send({ type: 'call', id, method, request, deadlineMs: patience.deadlineMs })
    return await waitWithCaller(reply, patience, (reason) => {
      // It was answered in this same turn, and the caller gets that.
      if (!this.#calls.has(id)) return this.#goneError(method, reason, call)
      // Nobody waits for the reply any more, and the plugin may never give one.
      reply.catch(() => {})
      countError()
      this.#running.send({ type: 'cancel', id, reason })
      graceTimer = setTimeout(() => this.#signalIgnored(call), this.#options.limits.abortGraceMs).unref()
      return this.#goneError(method, reason, call)
    })
  }

  /** Takes no new calls but those of who holds it, answers what it has, then ends. */
  drain(why: string): void {
    if (this.#state.kind === 'ended' || this.#state.kind === 'draining') return
    if (this.#state.kind === 'starting') {
      // It has nothing to answer.
      void this.stop(drainedGraceMs)
      return
    }
    this.#setState({ kind: 'draining', why })
    this.#log.info({ pid: this.pid, why, running: this.#calls.size }, 'plugin draining')
    this.#endIfDrained()
  }

  /** Cancels what runs and ends it, within `graceMs`. Safe to call twice. */
  async stop(graceMs: number): Promise<void> {
    this.#wish ??= 'stopping'
    await this.#running.stop(graceMs)
  }

  get #declaration(): { hello: Hello; validator: ClassValidator } {
    if (!this.#declared) throw new Error(`${this.plugin.name} has not said hello`)
    return this.#declared
  }

  #receive(message: PluginMessage | undefined): void {
    if (!message) {
      this.#foreign('a message that is none')
      return
    }
    switch (message.type) {
      case 'hello':
        this.#greet(message)
        return
      case 'refused':
        this.#refuse(message.reason)
        return
      case 'health':
        if (!this.#liveness.seen(message.id)) this.#foreign('a sign of life that nobody asked for')
        else if (message.id === firstHealthId) this.#becomeReady()
        return
      case 'ack': {
        const call = this.#calls.get(message.id)
        if (call) call.isAcknowledged = true
        if (!this.#liveness.seen(message.id)) this.#foreign('an ack of no call')
        return
      }
      case 'answer':
      case 'error': {
        const call = this.#calls.get(message.id)
        // Answered before, or never asked.
        if (!call) this.#foreign('an answer to no running call')
        else if (message.type === 'answer') call.resolve(message.response)
        else
          call.reject(
            pluginError({ ...call, plugin: this.plugin.name, redact: this.#redact }, message.error, this.#log),
          )
        return
      }
      case 'log': {
        const call = message.id === undefined ? undefined : this.#calls.get(message.id)
        const fields = redactAll({ ...message.fields }, this.#redact)
        const { requestId, machine } = call ?? {}
        const context = call && { requestId, method: methodName(call.method), machine }
        // The plugin's fields have a place of their own, where they cannot pass for the host's.
        const hasFields = message.fields && Object.keys(message.fields).length > 0
        this.#log[message.level]({ ...context, ...(hasFields && { fields }) }, this.#redact(message.message))
        return
      }
      case 'cloud-request':
        this.#options.onCloudRequest(message)
        return
      default:
        message satisfies never
    }
  }

  /** It was loaded. Before it gets calls it has to answer one question, so that a plugin that only says hello is found out. */
  #greet({ nonce, hello }: Extract<PluginMessage, { type: 'hello' }>): void {
    // Code of the plugin runs while it is loaded, and can send too; the nonce is what it has not been told.
    if (this.#declared || nonce !== this.#nonce) {
      this.#foreign(this.#declared ? 'a second hello' : 'a hello that is not an answer to ours')
      return
    }
    try {
      checkAgreement(hello, this.plugin)
      this.#declared = { hello, validator: new ClassValidator(hello.providerSpec, hello.secret) }
      this.#liveness.start()
      this.#liveness.expect(firstHealthId)
      this.#running.send({ type: 'health', id: firstHealthId })
    } catch (error) {
      this.#refuse((error as Error).message)
    }
  }

  #becomeReady(): void {
    if (this.#state.kind !== 'starting' || this.#wish) return
    clearTimeout(this.#helloTimer)
    const { provider, sdkVersion } = this.hello
    const { tree } = this.plugin
    this.#log.info({ pid: this.pid, provider, sdkVersion, ...(tree && { tree }) }, 'plugin ready')
    this.#setState({ kind: 'ready' })
    this.#readiness.resolve()
  }

  /** It cannot be used, for a reason that says more than its exit will. */
  #refuse(reason: string): void {
    void this.#running.kill(reason)
  }

  /** It sends what makes no sense. A little is forgiven, since a library may use the channel for itself; then it is cut off. */
  #foreign(what: string): void {
    if (this.#state.kind === 'ended') return
    this.#foreignMessages++
    if (this.#foreignMessages === 1) this.#log.warn({ what }, 'plugin sent a message that makes no sense')
    if (this.#foreignMessages < maxForeignMessages) return
    this.#refuse(`talked garbage: ${maxForeignMessages} messages that make no sense, the last ${what}`)
  }

  #printed(line: string): void {
    this.#log.info({ output: this.#redact(line) }, 'plugin printed')
    if (!this.#options.isLinted || this.#hasPrinted || ofDebugger.test(line)) return
    this.#hasPrinted = true
    this.#log.warn('lint: it prints: lines have no level, method and machine there. Log with context.logger')
  }

  #signalIgnored(call: RunningCall): void {
    call.isIgnoringSignal = true
    const { method, machine, requestId } = call
    const seconds = this.#options.limits.abortGraceMs / 1000
    this.#log.warn({ requestId, method: methodName(method), machine, seconds }, 'plugin ignores the signal of a call')
    this.#options.onSignalIgnored(this)
    this.#endIfDrained()
  }

  /** Calls that ignore their signal have no caller any more; nothing but the end of the process ends them. */
  #endIfDrained(): void {
    if (this.#state.kind !== 'draining' || this.#holders > 0 || this.#wish) return
    const waiting = [...this.#calls.values()].filter(({ isIgnoringSignal }) => !isIgnoringSignal)
    if (waiting.length > 0) return
    this.#wish = 'drained'
    // What still runs ignores every signal.
    void this.#running.stop(this.#calls.size > 0 ? 0 : drainedGraceMs)
  }

  #ended({ cause, lastLines }: PluginEnd): void {
    clearTimeout(this.#helloTimer)
    this.#liveness.close()
    const end: InstanceEnd = {
      cause: this.#redact(cause),
      lastLines: lastLines.map((line) => this.#redact(line)),
      isWanted: this.#wish !== undefined,
      atMs: Date.now(),
    }
    this.#secrets.forget()
    this.#state = { kind: 'ended', ...end }
    // Before anybody is told, so that the figures are complete then.
    for (const { method, reject } of [...this.#calls.values()]) {
      reject(this.#wish === 'stopping' ? this.#stoppingError() : this.#endedError(method, firstLine(end.cause)))
    }
    this.#options.onChange(this)
    const fields = { pid: this.#running?.pid, cause: end.cause, ...(lastLines.length > 0 && { output: end.lastLines }) }
    if (end.isWanted) this.#log.info(fields, 'plugin ended')
    else this.#log.error(fields, 'plugin ended by itself')
    // Without effect when it was ready.
    const text = `plugin ${this.plugin.name} cannot be used: ${describeEnd(end)}`
    this.#readiness.reject(
      end.isWanted ? this.#stoppingError() : hostError('PLUGIN_UNUSABLE', text, { source: 'plugin' }),
    )
    this.#ending.resolve(end)
  }

  #setState(state: InstanceState): void {
    this.#state = state
    this.#options.onChange(this)
  }

  #endedError(method: DriverMethod, how: string): MachineError {
    const text = `plugin ${this.plugin.name} ${how} during ${methodName(method)}`
    return hostError('PLUGIN_ENDED', `${text}; the call can be repeated safely`, { source: 'plugin' })
  }

  #stoppingError(): MachineError {
    return hostError('HOST_STOPPING', `the host is stopping, and has stopped plugin ${this.plugin.name}; try again`)
  }

  #goneError(method: DriverMethod, reason: Exclude<CancelReason, 'stopping'>, call?: RunningCall): MachineError {
    const what = `${methodName(method)} by ${this.plugin.name}`
    if (reason === 'canceled') return hostError('CALL_CANCELED', `${what} was cancelled by the caller`)
    const isStuck = call && !call.isAcknowledged
    const hint = isStuck ? '; the plugin did not even take it, so its event loop is stuck' : ''
    return hostError('CALL_DEADLINE', `${what} took longer than its deadline${hint}`, {
      source: isStuck ? 'plugin' : 'host',
    })
  }
}

/** An end with what was printed last, for people. */
export function describeEnd({ cause, lastLines }: Pick<InstanceEnd, 'cause' | 'lastLines'>): string {
  return lastLines.length === 0 ? cause : [`${cause}; its last lines:`, ...lastLines].join('\n  ')
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? ''
}

/** A plugin must be what its manifest says: routes were made from that. */
function checkAgreement(hello: Hello, { manifest }: PluginPackage): void {
  if (hello.contract !== manifest.contract) {
    throw new Error(`it speaks contract ${hello.contract}, its package.json says ${manifest.contract}`)
  }
  const names = [hello.provider, ...hello.aliases]
  if (names.join() !== manifest.providers.join()) {
    throw new Error(`it serves ${names.join(', ')}, its package.json says ${manifest.providers.join(', ')}`)
  }
}

// Node prints this itself, in a process that a debugger may attach to.
const ofDebugger = /^(Debugger |For help, see: |Waiting for the debugger )/
const drainedGraceMs = 5000
const maxForeignMessages = 100
// Calls count up from 1, the pings of Liveness down from -1.
const firstHealthId = 0
