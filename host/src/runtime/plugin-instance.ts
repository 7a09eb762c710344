import { MachineError } from '@mcm/sdk'
import { type DriverMethod, isMachineCode, methodName } from '@mcm/sdk/contract'
import { hostError } from '../host-error.ts'
import type { Log } from '../log.ts'
import { ClassValidator } from '../plugins/class-validator.ts'
import type { PluginPackage } from '../plugins/plugin-package.ts'
import type { CancelReason, ErrorMessage, Hello, PluginMessage, PluginRequest } from './messages.ts'
import { type Patience, waitWithCaller, whyGone } from './patience.ts'
import { readMessage } from './read-message.ts'
import { redact, redactAll } from './redact.ts'
import type { Runner, RunningPlugin } from './runner.ts'

/**
 * How an instance is:
 *
 * - `stopped`: nothing runs; the next call starts it. `reason` says why it ended, if it did.
 * - `starting`: it was started and has not said hello yet.
 * - `ready`: it takes calls.
 * - `failed`: its last start failed. The next call tries again.
 * - `closed`: it was closed for good.
 */
export type InstanceState =
  | { kind: 'stopped'; reason: string }
  | { kind: 'starting'; running: RunningPlugin; ready: Promise<Ready> }
  | Ready
  | { kind: 'failed'; reason: string }
  | { kind: 'closed' }

interface Ready {
  kind: 'ready'
  running: RunningPlugin
  hello: Hello
  /** Checks requests against what the hello declared. */
  validator: ClassValidator
}

/** What is known of a call that runs. */
interface RunningCall {
  method: DriverMethod
  machine: string
  secret: Record<string, Uint8Array> | undefined
  isAcknowledged: boolean
  resolve(response: unknown): void
  reject(error: MachineError): void
}

/** One call to a plugin. */
export interface PluginCall extends Patience {
  method: DriverMethod
  request: PluginRequest
  /** Name of the machine or class, for the log. */
  machine: string
  /**
   * Called once, when the plugin works on the call no longer: before the caller gets the answer, or, when the caller
   * has gone, later. Until then no other changing call for the machine may start, or two could race at the cloud.
   */
  onEnd(): void
}

/** Talks to one plugin: starts it on demand, gives it calls, and tells the callers when it dies. */
export class PluginInstance {
  readonly plugin: PluginPackage
  readonly #runner: Runner
  readonly #log: Log
  readonly #calls = new Map<number, RunningCall>()
  readonly #figures = { calls: 0, errors: 0, starts: 0 }
  readonly #listeners: ((state: InstanceState) => void)[] = []
  /** Secrets of the last calls, since a plugin can print one after its call has been answered. */
  readonly #recentSecrets: Record<string, Uint8Array>[] = []
  #state: InstanceState = { kind: 'stopped', reason: '' }
  #closed: Promise<void> | undefined
  #hello: Hello | undefined
  #lastCallId = 0

  constructor(plugin: PluginPackage, runner: Runner, log: Log) {
    this.plugin = plugin
    this.#runner = runner
    this.#log = log.child({ plugin: plugin.name, pluginVersion: plugin.version })
  }

  get state(): InstanceState {
    return this.#state
  }

  get pid(): number | undefined {
    return 'running' in this.#state ? this.#state.running.pid : undefined
  }

  /** Calls, failed calls and restarts since the host started. */
  get figures(): { calls: number; errors: number; restarts: number } {
    const { calls, errors, starts } = this.#figures
    return { calls, errors, restarts: Math.max(0, starts - 1) }
  }

  /** What the plugin last said about itself; kept while it is stopped. */
  get hello(): Hello | undefined {
    return this.#hello
  }

  /** Starts the plugin unless it runs. Concurrent callers share one start. Rejects with a MachineError. */
  async start(): Promise<Pick<Ready, 'hello' | 'validator'>> {
    const state = this.#state
    switch (state.kind) {
      case 'ready':
        return state
      case 'starting':
        return await state.ready
      case 'closed':
        throw this.#closedError()
      case 'stopped':
      case 'failed':
        return await this.#launch()
      default:
        return state satisfies never
    }
  }

  /** Calls back after each change of the state. */
  onChange(listener: (state: InstanceState) => void): void {
    this.#listeners.push(listener)
  }

  /**
   * Runs one call. When the caller goes or the deadline passes, the caller gets its error at once, and the plugin is
   * told to stop. Rejects with a MachineError.
   */
  async call({ method, request, machine, onEnd, ...patience }: PluginCall): Promise<unknown> {
    const state = this.#state
    this.#figures.calls++
    try {
      if (state.kind === 'closed') throw this.#closedError()
      if (state.kind !== 'ready') throw this.#endedError(method, 'is not running')
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
    const end = () => {
      this.#calls.delete(id)
      onEnd()
    }
    const call: RunningCall = {
      method,
      machine,
      secret: request.secret,
      isAcknowledged: false,
      resolve(response) {
        end()
        resolve(response)
      },
      reject(error) {
        end()
        reject(error)
      },
    }
    this.#calls.set(id, call)
    if (request.secret) this.#remember(request.secret)
    try {
      state.running.send({ type: 'call', id, method, request, deadlineMs: patience.deadlineMs })
      return await waitWithCaller(reply, patience, (reason) => {
        // Nobody waits for the reply any more, and the plugin may never give one.
        reply.catch(() => {})
        state.running.send({ type: 'cancel', id, reason })
        return this.#goneError(method, reason, call)
      })
    } catch (error) {
      this.#figures.errors++
      throw error
    }
  }

  /** Stops the plugin for good; what runs is cancelled. Safe to call twice. */
  close(graceMs: number): Promise<void> {
    const state = this.#state
    this.#closed ??= 'running' in state ? state.running.stop(graceMs) : Promise.resolve()
    this.#setState({ kind: 'closed' })
    return this.#closed
  }

  async #launch(): Promise<Ready> {
    const { promise: ready, resolve, reject } = Promise.withResolvers<Ready>()
    this.#figures.starts++
    let refusal = ''
    const refuse = (reason: string) => {
      refusal ||= reason
      void running.stop(0)
    }
    const running = this.#runner.start(this.plugin, {
      output: (line) => this.#log.info({ output: this.#redactAll(line) }, 'plugin printed'),
      message: (value) => {
        const message = readMessage(value)
        if (!message) this.#log.warn('plugin sent a message that is none')
        else if (message.type === 'refused') refuse(message.reason)
        else if (message.type !== 'hello') this.#receive(message)
        else {
          try {
            const { hello } = message
            checkAgreement(hello, this.plugin)
            resolve({ kind: 'ready', running, hello, validator: new ClassValidator(hello.providerSpec, hello.secret) })
          } catch (error) {
            refuse((error as Error).message)
          }
        }
      },
      ended: ({ cause, lastLines }) => {
        clearTimeout(timer)
        const how = lastLines.length > 0 ? [`${cause}; its last lines:`, ...lastLines].join('\n  ') : cause
        const reason = this.#redactAll(refusal || how)
        const text = `plugin ${this.plugin.name} cannot be used: ${reason}`
        reject(this.#closed ? this.#closedError() : hostError('PLUGIN_UNUSABLE', text, { source: 'plugin' }))
        this.#ended(running, reason)
      },
    })
    const timer = setTimeout(() => refuse(`it said no hello within ${helloTimeoutMs / 1000} s`), helloTimeoutMs)
    running.send({ type: 'start', nonce: '', entry: this.plugin.entry, isLinted: false })
    this.#setState({ kind: 'starting', running, ready })
    const state = await ready
    clearTimeout(timer)
    // It may have been closed, or have died again, since it said hello.
    if (this.#state.kind === 'starting' && this.#state.running === running) {
      this.#hello = state.hello
      this.#setState(state)
      this.#log.info({ pid: running.pid, provider: state.hello.provider }, 'plugin ready')
    }
    return state
  }

  #receive(message: Exclude<PluginMessage, { type: 'hello' | 'refused' }>): void {
    const call = message.id === undefined || message.type === 'health' ? undefined : this.#calls.get(message.id)
    switch (message.type) {
      case 'ack':
        if (call) call.isAcknowledged = true
        return
      case 'answer':
        call?.resolve(message.response)
        return
      case 'error':
        call?.reject(this.#machineError(call, message.error))
        return
      case 'log': {
        const fields = redactAll({ ...message.fields }, call?.secret)
        const context = call && { method: methodName(call.method), machine: call.machine }
        // The plugin's fields have a place of their own, where they cannot pass for the host's.
        const hasFields = message.fields && Object.keys(message.fields).length > 0
        this.#log[message.level]({ ...context, ...(hasFields && { fields }) }, this.#redactAll(message.message))
        return
      }
      case 'health':
        return
      default:
        message satisfies never
    }
  }

  #machineError(call: RunningCall, { code, message, options, trace }: ErrorMessage): MachineError {
    const text = redact(message, call.secret)
    const context = { method: methodName(call.method), machine: call.machine, trace: redact(trace, call.secret) }
    if (!isMachineCode(code) || code === 'OK') {
      this.#log.error(context, 'plugin failed')
      const why = `${this.plugin.name} failed with the code "${code}", which is none: ${text}`
      return hostError('PLUGIN_ANSWER_INVALID', why, { source: 'plugin' })
    }
    // From InitializeMachine it only means "try again"; elsewhere the caller adopts the VM by it.
    const namesVm = options.providerID && options.nodeName
    if (code === 'Uninitialized' && call.method !== 'initializeMachine' && !namesVm) {
      const why = `${this.plugin.name} answered ${methodName(call.method)} with Uninitialized without providerID and nodeName: ${text}`
      return hostError('PLUGIN_ANSWER_INVALID', why, { source: 'plugin' })
    }
    // The trace of a plugin's own bug is all that its author will have.
    if (code === 'Internal') this.#log.error(context, 'plugin failed')
    else this.#log.debug(context, 'plugin answered with an error')
    const violations = options.violations?.map(({ path, message }) => ({ path, message: redact(message, call.secret) }))
    const reason = options.reason === undefined ? undefined : redact(options.reason, call.secret)
    return new MachineError(code, text, { ...options, ...(violations && { violations }), ...(reason && { reason }) })
  }

  #setState(state: InstanceState): void {
    this.#state = state
    for (const listener of this.#listeners) listener(state)
  }

  /** @param reason Without secrets. */
  #ended(running: RunningPlugin, reason: string): void {
    const state = this.#state
    if (state.kind !== 'closed' && 'running' in state && state.running === running) {
      this.#setState({ kind: state.kind === 'starting' ? 'failed' : 'stopped', reason })
      this.#log.error({ pid: running.pid, reason }, 'plugin ended')
    }
    this.#recentSecrets.length = 0
    const [how = ''] = reason.split('\n')
    for (const { method, reject } of [...this.#calls.values()]) {
      reject(this.#closed ? this.#closedError() : this.#endedError(method, how.replace(/; its last lines:$/, '')))
    }
  }

  #endedError(method: DriverMethod, how: string): MachineError {
    const text = `plugin ${this.plugin.name} ${how} during ${methodName(method)}`
    return hostError('PLUGIN_ENDED', `${text}; the call can be repeated safely`, { source: 'plugin' })
  }

  #closedError(): MachineError {
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

  #remember(secret: Record<string, Uint8Array>): void {
    this.#recentSecrets.push(secret)
    if (this.#recentSecrets.length > maxRecentSecrets) this.#recentSecrets.shift()
  }

  /** Blacks out the secrets of all calls that a line may come from. */
  #redactAll(text: string): string {
    const running = [...this.#calls.values()].map(({ secret }) => secret)
    return [...new Set([...running, ...this.#recentSecrets])].reduce((line, secret) => redact(line, secret), text)
  }
}

const helloTimeoutMs = 20_000
const maxRecentSecrets = 64

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
