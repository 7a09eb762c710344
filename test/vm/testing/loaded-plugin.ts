import { type CallContext, MachineError, type Plugin, secretReader } from '@mcm/sdk'
import type { CallOptions, DriverCalls } from '@mcm/sdk/contract'
import { ClientCache } from '../../../host/src/runtime/plugin-side/client-cache.ts'
import { compileSchema, describeErrors } from '../../../host/src/schema/json-schema.ts'

/** A line that the plugin has logged. */
export interface LogLine {
  readonly level: string
  readonly message: string
  readonly fields: Record<string, unknown> | undefined
}

/**
 * A plugin as its host has it, without the host: each has clients of its own, as each plugin process has. Unlike a host's
 * caller, who is answered at once when he gives up, who calls here sees when the plugin's method really ends.
 */
export class LoadedPlugin implements AsyncDisposable {
  readonly log: LogLine[] = []
  readonly #plugin: Plugin
  readonly #isValid: ReturnType<typeof compileSchema>
  readonly #clients = new ClientCache()

  constructor(plugin: Plugin) {
    this.#plugin = plugin
    this.#isValid = compileSchema(JSON.parse(JSON.stringify(plugin.providerSpec)))
  }

  async call<M extends 'createMachine' | 'deleteMachine' | 'getMachineStatus' | 'initializeMachine' | 'listMachines'>(
    method: M,
    request: DriverCalls[M]['request'],
    { signal = neverAborted, deadlineMs = Date.now() + 120_000 }: CallOptions = {},
  ): Promise<DriverCalls[M]['response']> {
    const deadline = AbortSignal.timeout(Math.max(0, deadlineMs - Date.now()))
    const ended = AbortSignal.any([signal, deadline])
    const { client, release } = this.#clients.lease(ended)
    const context: CallContext = {
      signal: ended,
      deadlineMs,
      client,
      cloudRequest: async (_, send) => await send(),
      logger: {
        debug: this.#writer('debug'),
        info: this.#writer('info'),
        warn: this.#writer('warn'),
        error: this.#writer('error'),
      },
    }
    try {
      return (await this.#run(method, request, context)) as DriverCalls[M]['response']
    } catch (error) {
      throw MachineError.from(error)
    } finally {
      release()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#clients.close()
  }

  async #run(
    method: keyof DriverCalls,
    request: DriverCalls['createMachine' | 'listMachines']['request'],
    context: CallContext,
  ): Promise<unknown> {
    const { machineClass, secret, ...rest } = request
    const spec = structuredClone(machineClass.providerSpec ?? {})
    const isValid = this.#isValid(spec)
    const reader = secretReader(this.#plugin.secret, secret?.data ?? {})
    const violations = isValid
      ? (this.#plugin.validate?.({ spec, machineClass, secret: reader }) ?? [])
      : describeErrors(this.#isValid.errors ?? [], 'providerSpec')
    if (violations.length > 0) throw new MachineError('InvalidArgument', 'providerSpec is not valid', { violations })
    const call = { ...rest, machineClass, spec, secret: reader }
    // Which method takes which call is known to the compiler only for a method that is known to it.
    const run = this.#plugin[method as keyof Plugin] as (call: object, context: CallContext) => Promise<unknown>
    return (await run.call(this.#plugin, call, context)) ?? {}
  }

  #writer(level: string) {
    return (message: string, fields?: Record<string, unknown>) => void this.log.push({ level, message, fields })
  }
}

const neverAborted = new AbortController().signal
