import { inspect } from 'node:util'
import { type CallContext, type JsonObject, type Logger, MachineError, type Plugin } from '@mcm/sdk'
import { ClientCache, type DriverMethod, driverMethods, invokePlugin, type PluginRequest } from '@mcm/sdk/contract'
import { explainDenial } from '../explain-denial.ts'
import { loggable } from '../loggable.ts'
import { isLargerThan } from '../message-size.ts'
import type { CancelReason, ErrorMessage, Hello, HostMessage, PluginMessage } from '../messages.ts'
import { cloudRequestFunction } from './cloud-request-function.ts'
import { Lints } from './lints.ts'

/** The plugin's side of the channel: takes calls, runs the plugin's methods, answers. */
export class PluginServer {
  readonly #load: (entry: string) => Promise<Plugin>
  readonly #send: (message: PluginMessage) => void
  readonly #clients = new ClientCache()
  readonly #cloudRequest: CallContext['cloudRequest']
  readonly #running = new Map<number, { controller: AbortController; done: Promise<void> }>()
  #plugin: Plugin | undefined
  #maxAnswerBytes = 0
  #lints: Lints | undefined

  /** @param load Imports the plugin. */
  constructor(load: (entry: string) => Promise<Plugin>, send: (message: PluginMessage) => void) {
    this.#load = load
    this.#send = send
    this.#cloudRequest = cloudRequestFunction((request) => send({ type: 'cloud-request', ...request }))
  }

  receive(message: HostMessage): void {
    switch (message.type) {
      case 'start':
        void this.#start(message)
        return
      case 'health':
        this.#send({ type: 'health', id: message.id })
        return
      case 'call': {
        this.#send({ type: 'ack', id: message.id })
        const controller = new AbortController()
        const done = this.#run(message, controller.signal).finally(() => this.#running.delete(message.id))
        this.#running.set(message.id, { controller, done })
        return
      }
      case 'cancel':
        this.#running.get(message.id)?.controller.abort(abortReason(message.reason))
        return
      case 'shutdown':
        void this.close()
        return
      default:
        message satisfies never
    }
  }

  /** Cancels what runs, waits for it, and releases the plugin's clients. */
  async close(): Promise<void> {
    for (const { controller } of this.#running.values()) controller.abort(abortReason('stopping'))
    await Promise.all([...this.#running.values()].map(({ done }) => done))
    await this.#clients.close()
  }

  async #start({ nonce, entry, isLinted, maxAnswerBytes }: Extract<HostMessage, { type: 'start' }>): Promise<void> {
    this.#maxAnswerBytes = maxAnswerBytes
    if (isLinted) this.#lints = new Lints((message) => this.#send({ type: 'log', level: 'warn', message }))
    try {
      const lookAgain = this.#lints?.watchGlobals()
      const plugin = await this.#load(entry)
      lookAgain?.()
      this.#plugin = plugin
      this.#send({ type: 'hello', nonce, hello: helloOf(plugin) })
    } catch (error) {
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
      this.#send({ type: 'refused', reason: explainDenial(reason) })
    }
  }

  async #run(call: Extract<HostMessage, { type: 'call' }>, signal: AbortSignal): Promise<void> {
    const { id, method, request, deadlineMs } = call
    const { client, release } = this.#clients.lease(signal)
    const cloudRequest = this.#cloudRequest
    const context: CallContext = { signal, deadlineMs, logger: this.#logger(id), client, cloudRequest }
    const watched = this.#lints?.watchSignal(method, context)
    try {
      this.#sendAnswer(id, method, await this.#invoke(method, request, watched?.context ?? context))
    } catch (error) {
      this.#lints?.thrown(method, error, signal)
      this.#sendError(id, signal.aborted ? asAborted(error, signal) : error)
    } finally {
      watched?.ended()
      release()
    }
  }

  #sendAnswer(id: number, method: DriverMethod, response: object): void {
    // Here, since the host could only look at it once it has read all of it, and would do nothing else meanwhile.
    if (isLargerThan(response, this.#maxAnswerBytes)) {
      const why = `the answer of ${method} has more than ${this.#maxAnswerBytes} bytes`
      throw new MachineError('Internal', why, { reason: 'PLUGIN_ANSWER_INVALID' })
    }
    try {
      this.#send({ type: 'answer', id, response })
    } catch (error) {
      const why = `the answer of ${method} cannot be sent: ${error instanceof Error ? error.message : String(error)}`
      throw new MachineError('Internal', why, { reason: 'PLUGIN_ANSWER_INVALID', cause: error })
    }
  }

  /** Sends anything thrown; nothing that a plugin throws may end the process, in which other calls run. */
  #sendError(id: number, thrown: unknown): void {
    try {
      this.#send({ type: 'error', id, error: errorMessage(thrown) })
    } catch (error) {
      const message = `it threw something that cannot be told: ${error instanceof Error ? error.message : 'unknown'}`
      this.#send({ type: 'error', id, error: { code: 'Internal', message, options: { source: 'plugin' }, trace: '' } })
    }
  }

  async #invoke(method: DriverMethod, request: PluginRequest, context: CallContext): Promise<object> {
    const plugin = this.#plugin
    if (!plugin) throw new MachineError('Unavailable', 'the plugin is not loaded', { source: 'host' })
    return await invokePlugin(plugin, method, request, context)
  }

  #logger(id: number): Logger {
    const log = (level: 'debug' | 'info' | 'warn' | 'error') => (message: string, fields?: Record<string, unknown>) =>
      this.#send({
        type: 'log',
        id,
        level,
        message: String(message),
        ...(fields && { fields: loggable(fields) as JsonObject }),
      })
    return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') }
  }
}

function helloOf(plugin: Plugin): Hello {
  return {
    contract: plugin.contract,
    sdkVersion: plugin.sdkVersion ?? '',
    provider: plugin.provider,
    aliases: [...(plugin.aliases ?? [])],
    // Through JSON: a schema library's own symbols and functions stay behind.
    providerSpec: JSON.parse(JSON.stringify(plugin.providerSpec)) as JsonObject,
    secret: plugin.secret,
    capabilities: driverMethods.filter((method) => typeof plugin[method as keyof Plugin] === 'function'),
  }
}

const abortTexts: Record<CancelReason, [name: string, text: string]> = {
  canceled: ['AbortError', 'the caller cancelled the call'],
  deadline: ['TimeoutError', "the call's deadline has passed"],
  stopping: ['AbortError', 'the host stops'],
}

function abortReason(reason: CancelReason): DOMException {
  const [name, text] = abortTexts[reason]
  return new DOMException(text, { name, cause: reason })
}

/** A library's own abort error says nothing of why; the signal's reason does. A MachineError knows better than both. */
function asAborted(error: unknown, signal: AbortSignal): unknown {
  if (MachineError.is(error) || !(error instanceof Error) || !abortNames.has(error.name)) return error
  if (signal.reason.cause !== 'stopping') return signal.reason
  return new MachineError('Unavailable', 'the host is stopping and has cancelled the call; try again', {
    source: 'host',
    reason: 'HOST_STOPPING',
    cause: error,
  })
}

const abortNames = new Set(['AbortError', 'TimeoutError'])

function errorMessage(thrown: unknown): ErrorMessage {
  const error = MachineError.from(thrown)
  const { code, message, source, retry, retryAfterMs, reason, lastKnownState, providerID, nodeName } = error
  return {
    code,
    message: explainDenial(message),
    options: {
      source,
      retry,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      ...(reason !== undefined && { reason }),
      ...(lastKnownState !== undefined && { lastKnownState }),
      ...(providerID !== undefined && { providerID }),
      ...(nodeName !== undefined && { nodeName }),
      // An error of an older copy of the SDK may lack what came later.
      addresses: [...(error.addresses ?? [])],
      violations: [...(error.violations ?? [])],
    },
    trace: inspect(error, { depth: 4 }),
  }
}
