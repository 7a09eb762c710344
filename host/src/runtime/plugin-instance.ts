import { type DriverMethod, isMachineCode, MachineError } from '@mcm/sdk'
import { methodName } from '@mcm/sdk/contract'
import { type HostErrorReason, hostError } from '../host-error.ts'
import type { Log } from '../log.ts'
import { ClassValidator } from '../plugins/class-validator.ts'
import type { PluginPackage } from '../plugins/plugin-package.ts'
import type { CancelReason, ErrorMessage, Hello, PluginMessage, PluginRequest } from './messages.ts'
import { redact } from './redact.ts'
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
  resolve(response: object): void
  reject(error: MachineError): void
}

/** One call to a plugin. */
export interface PluginCall {
  method: DriverMethod
  request: PluginRequest
  /** Name of the machine or class, for the log. */
  machine: string
  deadlineMs: number
  signal: AbortSignal
}

/** Talks to one plugin: starts it on demand, gives it calls, and tells the callers when it dies. */
export class PluginInstance {
  readonly plugin: PluginPackage
  readonly #runner: Runner
  readonly #log: Log
  readonly #calls = new Map<number, RunningCall>()
  readonly #figures = { calls: 0, errors: 0, starts: 0 }
  #state: InstanceState = { kind: 'stopped', reason: '' }
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
        throw hostError('HOST_STOPPING', `plugin ${this.plugin.name} has been stopped`)
      case 'stopped':
      case 'failed':
        return await this.#launch()
      default:
        return state satisfies never
    }
  }

  /**
   * Runs one call. When the caller goes or the deadline passes, the plugin is told and the call goes on to be awaited
   * in `settled`; the caller gets its error at once.
   *
   * @returns `answer` for the caller, and `settled`, which resolves when the plugin works on the call no longer. Until
   * then no other changing call for the same machine may start, or two could race at the cloud.
   */
  call({ method, request, machine, deadlineMs, signal }: PluginCall): {
    answer: Promise<object>
    settled: Promise<void>
  } {
    const state = this.#state
    if (state.kind !== 'ready') {
      return { answer: Promise.reject(this.#endedError(method, 'is not running')), settled: Promise.resolve() }
    }
    const id = ++this.#lastCallId
    this.#figures.calls++
    const reply = new Promise<object>((resolve, reject) => {
      this.#calls.set(id, { method, machine, secret: request.secret, isAcknowledged: false, resolve, reject })
      state.running.send({ type: 'call', id, method, request, deadlineMs })
    })
    const settled = reply.then(noop, noop).finally(() => this.#calls.delete(id))
    return { answer: this.#withCancellation(reply, id, { method, deadlineMs, signal, state }), settled }
  }

  /** Stops the plugin for good; what runs is cancelled. Safe to call twice. */
  async close(graceMs: number): Promise<void> {
    const state = this.#state
    this.#state = { kind: 'closed' }
    if ('running' in state) await state.running.stop(graceMs)
  }

  async #withCancellation(
    reply: Promise<object>,
    id: number,
    {
      method,
      deadlineMs,
      signal,
      state,
    }: { method: DriverMethod; deadlineMs: number; signal: AbortSignal; state: Ready },
  ): Promise<object> {
    const { promise: gaveUp, reject } = Promise.withResolvers<never>()
    const cancel = (cancelReason: CancelReason, reason: HostErrorReason, text: string) => {
      state.running.send({ type: 'cancel', id, reason: cancelReason })
      reject(hostError(reason, `${methodName(method)} by ${this.plugin.name} ${text}`))
    }
    const onAbort = () => cancel('canceled', 'CALL_CANCELED', 'was cancelled by the caller')
    const timer = setTimeout(
      () => cancel('deadline', 'CALL_DEADLINE', 'took longer than its deadline'),
      Math.min(deadlineMs - Date.now(), maxTimerMs),
    )
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    try {
      return await Promise.race([reply, gaveUp])
    } catch (error) {
      this.#figures.errors++
      throw error
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
  }

  async #launch(): Promise<Ready> {
    const { promise: ready, resolve, reject } = Promise.withResolvers<Ready>()
    this.#figures.starts++
    const fail = (reason: string) =>
      reject(hostError('PLUGIN_UNUSABLE', `plugin ${this.plugin.name} cannot be used: ${reason}`, { source: 'plugin' }))
    let refusal = ''
    const running = this.#runner.start(this.plugin, {
      output: (line) => this.#log.info({ output: this.#redactAll(line) }, 'plugin printed'),
      message: (message) => {
        if (message.type === 'refused') refusal = message.reason
        else if (message.type !== 'hello') this.#receive(message)
        else {
          try {
            const { hello } = message
            checkAgreement(hello, this.plugin)
            resolve({ kind: 'ready', running, hello, validator: new ClassValidator(hello.providerSpec, hello.secret) })
          } catch (error) {
            refusal = (error as Error).message
            void running.stop(0)
          }
        }
      },
      ended: (reason) => {
        clearTimeout(timer)
        fail(refusal || reason)
        this.#ended(running, refusal || reason)
      },
    })
    const timer = setTimeout(() => {
      refusal = `it said no hello within ${helloTimeoutMs / 1000} s`
      void running.stop(0)
    }, helloTimeoutMs)
    this.#state = { kind: 'starting', running, ready }
    const state = await ready
    clearTimeout(timer)
    this.#hello = state.hello
    // It may have been closed, or have died again, since it said hello.
    if (this.#state.kind === 'starting' && this.#state.running === running) this.#state = state
    this.#log.info({ pid: running.pid, provider: state.hello.provider }, 'plugin ready')
    return state
  }

  #receive(message: Exclude<PluginMessage, { type: 'hello' | 'refused' }>): void {
    const call = message.id === undefined ? undefined : this.#calls.get(message.id)
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
        const fields = message.fields && JSON.parse(redact(JSON.stringify(message.fields), call?.secret))
        const context = call && { method: methodName(call.method), machine: call.machine }
        this.#log[message.level]({ ...fields, ...context }, redact(message.message, call?.secret))
        return
      }
      default:
        message satisfies never
    }
  }

  #machineError(call: RunningCall, { code, message, options, trace }: ErrorMessage): MachineError {
    const text = redact(message, call.secret)
    const context = { method: methodName(call.method), machine: call.machine, trace: redact(trace, call.secret) }
    if (!isMachineCode(code) || code === 'OK') {
      return hostError(
        'PLUGIN_ANSWER_INVALID',
        `${this.plugin.name} failed with the code "${code}", which is none: ${text}`,
        {
          source: 'plugin',
        },
      )
    }
    // The trace of a plugin's own bug is all that its author will have.
    if (code === 'Internal') this.#log.error(context, 'plugin failed')
    else this.#log.debug(context, 'plugin answered with an error')
    return new MachineError(code, text, options)
  }

  #ended(running: RunningPlugin, reason: string): void {
    const state = this.#state
    if (state.kind !== 'closed' && 'running' in state && state.running === running) {
      this.#state = { kind: state.kind === 'starting' ? 'failed' : 'stopped', reason }
      this.#log.error({ pid: running.pid, reason: this.#redactAll(reason) }, 'plugin ended')
    }
    for (const { method, reject } of this.#calls.values())
      reject(this.#endedError(method, reason.split('\n')[0] ?? reason))
  }

  #endedError(method: DriverMethod, how: string): MachineError {
    const text = `plugin ${this.plugin.name} ${how} during ${methodName(method)}`
    return hostError('PLUGIN_ENDED', `${text}; the call can be repeated safely`, { source: 'plugin' })
  }

  #redactAll(text: string): string {
    return [...this.#calls.values()].reduce((redacted, { secret }) => redact(redacted, secret), text)
  }
}

const helloTimeoutMs = 20_000
/** Longer does not fit into a timer. */
const maxTimerMs = 2 ** 31 - 1

const noop = () => {}

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
