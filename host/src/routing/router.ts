import {
  type JsonObject,
  type JsonValue,
  type Machine,
  type MachineClass,
  MachineError,
  type Secret,
  type Violation,
} from '@mcm/sdk'
import {
  type CallOptions,
  type DriverCalls,
  type DriverClient,
  type DriverMethod,
  driverMethods,
  methodName,
  type PluginRequest,
} from '@mcm/sdk/contract'
import { permittedSecretData, secretData } from '@mcm/sdk/schema'
import { hostError } from '../host-error.ts'
import type { Log } from '../log.ts'
import { ownProvider } from '../plugins/plugin-package.ts'
import { isFailure } from '../runtime/call-outcome.ts'
import type { Patience } from '../runtime/patience.ts'
import type { PluginInstance } from '../runtime/plugin-instance.ts'
import type { PluginSupervisor } from '../runtime/plugin-supervisor.ts'
import { redact } from '../runtime/redact.ts'
import type { CallObserver } from './call-observer.ts'
import { checkedResponse } from './checked-response.ts'
import { displayName, MachineLocks } from './machine-locks.ts'
import { requestIdOf } from './request-id.ts'
import type { Resilience } from './resilience/resilience.ts'
import type { RouteTable } from './route-table.ts'

/** What one attempt of a call was given. */
interface Attempt extends Caller {
  /** Checks the request and gets it: another may be of another version, with another schema. */
  instance: PluginInstance
  /** Takes the attempt's slot over; what it returns gives the slot back. */
  takeSlot(): () => void
}

/** How long a call may take when its caller does not say, and at most. Milliseconds. */
export interface Deadlines {
  /** For calls that change something. */
  changeMs: number
  /** For calls that only look. */
  readMs: number
  /** For all, whatever the caller says. */
  maxMs: number
  /** For single methods, in place of all of these. */
  methodMs: Partial<Record<DriverMethod, number>>
}

/** A caller: how long it waits, and what it calls its call. */
type Caller = Patience & { requestId: string }

type AnyRequest = {
  machine?: Machine
  machineClass?: MachineClass
  secret?: Secret
  provider?: string
  pvSpecs?: JsonObject[]
}

/**
 * Routes each call of the driver contract to the plugin that its MachineClass names, and keeps the promises that do
 * not depend on the plugin: valid input, a deadline, one changing call per machine, valid answers.
 */
export class Router {
  /** The contract, for callers in this process. */
  readonly driver: DriverClient
  readonly #routes: RouteTable
  readonly #deadlines: Deadlines
  readonly #resilience: Resilience
  readonly #log: Log
  readonly #observer: CallObserver
  readonly #locks = new MachineLocks()
  readonly #running = new Set<Promise<unknown>>()
  #isDraining = false

  constructor(routes: RouteTable, deadlines: Deadlines, resilience: Resilience, log: Log, observer: CallObserver) {
    this.#routes = routes
    this.#deadlines = deadlines
    this.#resilience = resilience
    this.#log = log
    this.#observer = observer
    const methods = driverMethods.map((method) => [
      method,
      (request: DriverCalls[typeof method]['request'], options?: CallOptions) => this.call(method, request, options),
    ])
    // One function for each method, with the types of the contract.
    this.driver = Object.fromEntries(methods) as DriverClient
  }

  /** Runs one call, and logs how it ended. Rejects with a MachineError and nothing else. */
  async call<M extends DriverMethod>(
    method: M,
    request: DriverCalls[M]['request'],
    options: CallOptions = {},
  ): Promise<DriverCalls[M]['response']> {
    const startMs = performance.now()
    const requestId = requestIdOf(options)
    const end = this.#observer.callBegun(method, this.#providerLabel(providerOf(request)))
    const result = this.#dispatch(method, request, options, requestId)
    this.#running.add(result)
    try {
      const response = (await result) as DriverCalls[M]['response']
      end()
      this.#logEnd(method, request, requestId, startMs)
      return response
    } catch (thrown) {
      const error = MachineError.from(thrown)
      end(error)
      this.#logEnd(method, request, requestId, startMs, error)
      throw error
    } finally {
      this.#running.delete(result)
    }
  }

  /** Takes no new calls, and resolves when the running ones have been answered, or when the signal aborts. */
  async drain(signal: AbortSignal): Promise<void> {
    this.#isDraining = true
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
    await Promise.race([Promise.allSettled(this.#running), aborted])
  }

  async #dispatch(
    method: DriverMethod,
    request: AnyRequest,
    { signal = neverAborted, deadlineMs }: CallOptions,
    requestId: string,
  ): Promise<object> {
    // From now on: a plugin that starts slowly does not get its caller more time.
    const patience = { signal, deadlineMs: this.#deadline(method, deadlineMs), requestId }
    if (this.#isDraining) throw hostError('HOST_STOPPING', 'the host is stopping; try again')
    if (method === 'getVolumeIDs' && !request.machineClass && !request.provider) {
      return await this.#askAll(method, request, patience)
    }
    checkComplete(method, request)
    return await this.#run(this.#routes.supervisorFor(providerOf(request) ?? ''), method, request, patience)
  }

  async #run(
    supervisor: PluginSupervisor,
    method: DriverMethod,
    request: AnyRequest,
    patience: Caller,
  ): Promise<object> {
    const end = this.#observer.driverAsked(method, ownProvider(supervisor.plugin))
    const { name: plugin } = supervisor.plugin
    // The other methods do not go to the cloud with it, so they neither find it away nor have to care.
    const secret = specMethods.has(method) ? credentialFor(supervisor, request) : undefined
    try {
      const response = await this.#resilience.run({ plugin, method, secret, ...patience }, (release) =>
        this.#attempt(supervisor, method, request, patience, release),
      )
      end()
      return response
    } catch (error) {
      end(MachineError.from(error))
      throw error
    }
  }

  /** @param release Called once, when the plugin works on the call no longer, or when it has not got it. */
  async #attempt(
    supervisor: PluginSupervisor,
    method: DriverMethod,
    request: AnyRequest,
    patience: Caller,
    release: () => void,
  ): Promise<object> {
    let isTaken = false
    const takeSlot = () => {
      isTaken = true
      return release
    }
    try {
      return await supervisor.use(method, patience, (instance) =>
        this.#runOn({ instance, takeSlot, ...patience }, method, request),
      )
    } finally {
      if (!isTaken) release()
    }
  }

  async #runOn(attempt: Attempt, method: DriverMethod, request: AnyRequest): Promise<object> {
    const { hello, plugin, validator } = attempt.instance
    if (method === 'validateMachineClass') return await this.#validateClass(attempt, request)
    if (!hello.capabilities.includes(method)) {
      throw hostError('METHOD_MISSING', `${plugin.name} does not implement ${methodName(method)}`, { source: 'plugin' })
    }
    const { machineClass, secret, ...rest } = request
    if (!machineClass || !specMethods.has(method)) {
      return await this.#call(attempt, method, { ...rest, ...(machineClass && { machineClass }) })
    }
    const checked = withOwnSpec(machineClass)
    const data = secretData(secret)
    const violations = [...validator.specViolations(checked.providerSpec), ...validator.secretViolations(data)]
    if (violations.length > 0) throw invalidClass(machineClass, violations)
    try {
      const pluginRequest = { ...rest, machineClass: checked, secret: validator.permittedSecretData(data) }
      return await this.#call(attempt, method, pluginRequest)
    } catch (error) {
      // The plugin's own rules were violated, before its method ran: tell it as the schema's are told.
      if (MachineError.is(error) && error.reason === 'SPEC_INVALID' && error.violations.length > 0) {
        throw invalidClass(machineClass, error.violations)
      }
      throw error
    }
  }

  /** The plugin's own rules can only be asked about a spec that has the right shape. */
  async #validateClass(
    attempt: Attempt,
    { machineClass = { metadata: { name: '', namespace: '' } }, secret }: AnyRequest,
  ): Promise<{ violations: Violation[] }> {
    const { validator } = attempt.instance
    const checked = withOwnSpec(machineClass)
    const data = secret && secretData(secret)
    const secretViolations = data ? validator.secretViolations(data) : []
    const specViolations = validator.specViolations(checked.providerSpec)
    if (specViolations.length > 0) return { violations: [...specViolations, ...secretViolations] }
    const permitted = data && secretViolations.length === 0 ? validator.permittedSecretData(data) : undefined
    const pluginRequest = { machineClass: checked, ...(permitted && { secret: permitted }) }
    const answer = await this.#call(attempt, 'validateMachineClass', pluginRequest)
    const own = (answer as { violations: Violation[] }).violations.map(({ path, message }) => {
      return { path: redact(path, permitted), message: redact(message, permitted) }
    })
    return { violations: [...own, ...secretViolations] }
  }

  async #call(
    { instance, takeSlot, ...patience }: Attempt,
    method: DriverMethod,
    request: PluginRequest,
  ): Promise<object> {
    const { machine } = request
    const { name, manifest } = instance.plugin
    const isChange = machine && changingMethods.has(method)
    const unlock = isChange ? this.#locks.take(manifest.providers, machine, method) : undefined
    const release = takeSlot()
    const onEnd = () => {
      unlock?.()
      release()
    }
    const text = machine ? displayName(machine) : ''
    const answer = await instance.call({ method, request, machine: text, ...patience, onEnd })
    return checkedResponse(method, answer, name)
  }

  /**
   * Without a class nothing says whose volumes they are: every plugin that knows volumes is asked, and every one that
   * has not yet said what it knows. One that fails matters only while a volume is left that nobody knows, for it might
   * be its own.
   */
  async #askAll(method: 'getVolumeIDs', request: AnyRequest, patience: Caller): Promise<object> {
    const supervisors = this.#routes.supervisors.filter(({ hello }) => !hello || hello.capabilities.includes(method))
    const results = await Promise.allSettled(
      supervisors.map((supervisor) => this.#run(supervisor, method, request, patience)),
    )
    const answers = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    const volumeIDs = (answers as { volumeIDs: string[] }[]).flatMap((answer) => answer.volumeIDs)
    const failure = results.find((result, i) => {
      // A plugin that has never come up is listed as unusable; it has not said that it knows volumes.
      const hasComeUp = supervisors[i]?.hello !== undefined
      return result.status === 'rejected' && hasComeUp && MachineError.from(result.reason).code !== 'Unimplemented'
    })
    if (failure?.status === 'rejected' && volumeIDs.length < (request.pvSpecs?.length ?? 0)) throw failure.reason
    return { volumeIDs }
  }

  /** One line per call. What a caller takes for an answer, such as `NotFound` of a look, is no failure. */
  #logEnd(method: DriverMethod, request: AnyRequest, requestId: string, startMs: number, error?: MachineError): void {
    const isAnswer = !error || !isFailure(method, error)
    const level = isAnswer ? 'debug' : 'warn'
    if (!this.#log.isLevelEnabled(level)) return
    const { machine, machineClass } = request
    const provider = providerOf(request)
    const plugin = provider === undefined ? undefined : this.#routes.find(provider)?.plugin.name
    const fields = {
      requestId,
      method: methodName(method),
      ...(plugin === undefined ? { provider: provider && cut(provider, maxNameLength) } : { plugin }),
      machine: machine && cut(displayName(machine), maxNameLength),
      machineClass: machineClass && cut(machineClass.metadata.name, maxNameLength),
      code: error?.code ?? 'OK',
      ...(error && { reason: error.reason, source: error.source, error: cut(error.message, maxTextLength) }),
      ms: Math.round(performance.now() - startMs),
    }
    this.#log[level](fields, isAnswer ? 'call answered' : 'call failed')
  }

  /** What metrics call the provider of a request, whose caller may have written anything there. */
  #providerLabel(provider: string | undefined): string {
    if (!provider) return ''
    const supervisor = this.#routes.find(provider)
    return supervisor ? ownProvider(supervisor.plugin) : 'unknown'
  }

  #deadline(method: DriverMethod, wishedMs: number | undefined): number {
    const { changeMs, readMs, maxMs, methodMs } = this.#deadlines
    const usualMs = methodMs[method] ?? (changingMethods.has(method) ? changeMs : readMs)
    const now = Date.now()
    return Math.min(wishedMs ?? now + usualMs, now + (methodMs[method] ?? maxMs))
  }
}

const changingMethods = new Set<DriverMethod>(['createMachine', 'initializeMachine', 'deleteMachine'])
const machineMethods = new Set<DriverMethod>([...changingMethods, 'getMachineStatus'])
// A migration's class is not filled yet, and volume ids do not depend on it.
const specMethods = new Set<DriverMethod>([...machineMethods, 'listMachines'])
const neverAborted = new AbortController().signal

/** No instance has been chosen yet: the keys are those that the plugin named last, or all before it ever ran. */
function credentialFor({ hello }: PluginSupervisor, { secret }: AnyRequest): Record<string, Uint8Array> {
  const data = secretData(secret)
  return hello ? permittedSecretData(hello.secret, data) : data
}

function providerOf({ machineClass, provider }: AnyRequest): string | undefined {
  return machineClass ? machineClass.provider : provider
}

/** Requests and plugins decide how long a text is; a log line is not the place for all of it. */
function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text
}

/** The class with a spec of its own, since the check fills defaults in and the caller's class may be anybody's. */
function withOwnSpec(machineClass: MachineClass): MachineClass & { providerSpec: JsonObject } {
  return { ...machineClass, providerSpec: cloneJson(machineClass.providerSpec ?? {}) }
}

/** Many times faster than structuredClone, which knows more than JSON. */
function cloneJson<T extends JsonValue>(value: T): T
function cloneJson(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map((item) => cloneJson(item))
  if (typeof value !== 'object' || value === null) return value
  const copy = { ...value }
  for (const key of Object.keys(copy)) {
    const item = copy[key]
    // An assignment to `__proto__` would set the prototype. What that key holds stays shared: no schema fills it in.
    if (typeof item === 'object' && item !== null && key !== '__proto__') copy[key] = cloneJson(item)
  }
  return copy
}

function checkComplete(method: DriverMethod, request: AnyRequest): void {
  const needed: ('machine' | 'machineClass')[] = []
  if (machineMethods.has(method)) needed.push('machine')
  if (method !== 'getVolumeIDs') needed.push('machineClass')
  const violations: Violation[] = needed
    .filter((part) => !request[part])
    .map((path) => ({ path, message: 'is required' }))
  const { machine } = request
  if (machine && machine.metadata.name === '' && (method !== 'deleteMachine' || !machine.spec.providerID)) {
    violations.push({ path: 'machine.metadata.name', message: 'is required' })
  }
  if (violations.length === 0) return
  const what = violations.map(({ path, message }) => `${path} ${message}`).join(', ')
  throw hostError('REQUEST_INCOMPLETE', `${methodName(method)}: ${what}`, { violations })
}

function invalidClass({ metadata, provider }: MachineClass, violations: readonly Violation[]): MachineError {
  const isSecret = violations.every(({ path }) => path.startsWith('secret.'))
  const shown = violations.slice(0, maxLines)
  const width = Math.min(48, Math.max(...shown.map(({ path }) => path.length)))
  const lines = shown.map(({ path, message }) => `  ${path.padEnd(width)}  ${message}`)
  const left = violations.length - shown.length
  const more = left > 0 ? [`  … and ${left} more; ValidateMachineClass lists them`] : []
  const name = metadata.name === '' ? '' : ` "${metadata.name}"`
  const text = [
    `${isSecret ? 'the Secret of ' : ''}MachineClass${name} (provider ${provider}) is not valid`,
    ...lines,
    ...more,
    'correct it and apply it again; nothing was changed at the provider',
  ].join('\n')
  return hostError(isSecret ? 'SECRET_INVALID' : 'SPEC_INVALID', text, { violations: [...violations] })
}

const maxLines = 10
// Two DNS names with a slash.
const maxNameLength = 507
const maxTextLength = 4096
