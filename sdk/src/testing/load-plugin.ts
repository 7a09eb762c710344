import { answerProblem } from '../contract/answer-problem.ts'
import { methodName } from '../contract/methods.ts'
import { MachineError } from '../errors/machine-error.ts'
import type { CallOptions, DriverCalls, DriverMethod } from '../model/driver.ts'
import type { JsonObject, MachineClass, Secret } from '../model/kubernetes.ts'
import { ClientCache } from '../plugin/client-cache.ts'
import type { CallContext } from '../plugin/context.ts'
import type { Plugin } from '../plugin/define-plugin.ts'
import { invokePlugin, type PluginRequest } from '../plugin/invoke-plugin.ts'
import { ClassValidator, secretData } from '../schema/class-validator.ts'

/** A line that a plugin has logged. */
export interface LogLine {
  /** How much it matters. */
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  /** What was said. */
  readonly message: string
  /** What was said with it, for programs. */
  readonly fields?: Record<string, unknown>
}

/** A plugin in the memory of a test. Close it at the end of the test: `await using plugin = loadPlugin(acme)`. */
export interface LoadedPlugin extends AsyncDisposable {
  /**
   * Calls one method as a host does: checks class and Secret, fills the schema's defaults in, hands on only the keys that
   * the plugin named, and checks the answer. Rejects with a `MachineError` and with nothing else.
   *
   * Unlike a host's caller, who is answered as soon as he gives up, who calls here sees when the method really ends.
   *
   * @param options The default deadline is two minutes away.
   * @example
   * const vm = await plugin.call('createMachine', machineRequest('worker-1', { providerSpec, secret }))
   */
  call<M extends DriverMethod>(
    method: M,
    request: DriverCalls[M]['request'],
    options?: CallOptions,
  ): Promise<DriverCalls[M]['response']>
  /** What it has logged so far. */
  readonly log: readonly LogLine[]
  /** The names that it gave to `cloudRequest` so far, one for each request. */
  readonly cloudRequests: readonly string[]
}

/**
 * Loads a plugin into the memory of a test, without a host, a process or a sandbox. Each one that is loaded keeps clients
 * of its own, as each plugin process does.
 *
 * @example
 * await using plugin = loadPlugin(acme)
 * const { providerID } = await plugin.call('createMachine', machineRequest('worker-1', { providerSpec, secret }))
 * expect(plugin.log).toEqual([])
 */
export function loadPlugin(plugin: Plugin): LoadedPlugin {
  const clients = new ClientCache()
  const log: LogLine[] = []
  const cloudRequests: string[] = []
  const writer = (level: LogLine['level']) => (message: string, fields?: Record<string, unknown>) => {
    log.push({ level, message, ...(fields && { fields }) })
  }
  const shared = {
    logger: { debug: writer('debug'), info: writer('info'), warn: writer('warn'), error: writer('error') },
    async cloudRequest<T>(service: string, send: () => T | Promise<T>) {
      cloudRequests.push(service)
      return await send()
    },
  }
  // Through JSON, as a host gets it.
  const validator = new ClassValidator(JSON.parse(JSON.stringify(plugin.providerSpec)), plugin.secret)
  return {
    log,
    cloudRequests,
    async call<M extends DriverMethod>(method: M, request: DriverCalls[M]['request'], options: CallOptions = {}) {
      const { signal, deadlineMs = Date.now() + defaultDeadlineMs } = options
      const deadline = AbortSignal.timeout(Math.max(0, deadlineMs - Date.now()))
      const ended = signal ? AbortSignal.any([signal, deadline]) : deadline
      const { client, release } = clients.lease(ended)
      const context: CallContext = { ...shared, client, signal: ended, deadlineMs }
      try {
        return (await run(plugin, validator, method, request, context)) as DriverCalls[M]['response']
      } catch (error) {
        throw MachineError.from(error)
      } finally {
        release()
      }
    },
    async [Symbol.asyncDispose]() {
      await clients.close()
    },
  }
}

async function run(
  plugin: Plugin,
  validator: ClassValidator,
  method: DriverMethod,
  request: { machineClass?: MachineClass; secret?: Secret },
  context: CallContext,
): Promise<object> {
  const checked = specMethods.has(method) ? checkedRequest(plugin, validator, method, request) : withoutSecret(request)
  if ('violations' in checked) return checked
  const answer = await invokePlugin(plugin, method, checked, context)
  const problem = answerProblem(method, answer)
  if (problem === undefined) return answer
  const text = `${plugin.provider} answered ${methodName(method)} wrongly: ${problem}`
  throw new MachineError('Internal', text, { source: 'plugin', reason: 'PLUGIN_ANSWER_INVALID' })
}

/** The request as a plugin gets it. For ValidateMachineClass, the violations where its own rules cannot be asked. */
function checkedRequest(
  plugin: Plugin,
  validator: ClassValidator,
  method: DriverMethod,
  { machineClass = { metadata: { name: '', namespace: '' } }, secret, ...rest }: Parameters<typeof run>[3],
): PluginRequest | { violations: object[] } {
  const spec: JsonObject = structuredClone(machineClass.providerSpec ?? {})
  const data = secretData(secret)
  const isValidation = method === 'validateMachineClass'
  const ofSpec = validator.specViolations(spec)
  const ofSecret = isValidation && !secret ? [] : validator.secretViolations(data)
  const violations = [...ofSpec, ...ofSecret]
  if (violations.length > 0 && !isValidation) {
    const list = violations.map(({ path, message }) => `${path} ${message}`).join('; ')
    const reason = ofSpec.length > 0 ? 'SPEC_INVALID' : 'SECRET_INVALID'
    throw new MachineError('InvalidArgument', `the class for ${plugin.provider} is not valid: ${list}`, {
      violations,
      reason,
    })
  }
  if (violations.length > 0) return { violations }
  const permitted = isValidation && !secret ? {} : { secret: validator.permittedSecretData(data) }
  return { ...rest, machineClass: { provider: plugin.provider, ...machineClass, providerSpec: spec }, ...permitted }
}

function withoutSecret({ secret: _, ...rest }: Parameters<typeof run>[3]): PluginRequest {
  return rest
}

// Those that get a `spec`.
const specMethods: ReadonlySet<DriverMethod> = new Set([
  'createMachine',
  'initializeMachine',
  'deleteMachine',
  'getMachineStatus',
  'listMachines',
  'validateMachineClass',
])
const defaultDeadlineMs = 120_000
