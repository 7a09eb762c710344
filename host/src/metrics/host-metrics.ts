import type { DriverMethod } from '@mcm/sdk/contract'
import { MachineCodes, methodName } from '@mcm/sdk/contract'
import { collectDefaultMetrics, Registry } from 'prom-client'
import type { CallEnd, CallObserver } from '../routing/call-observer.ts'
import type { CloudRequest } from '../runtime/messages.ts'
import { hostVersion } from '../version.ts'
import { BoundedNames } from './bounded-names.ts'
import { hostMetrics, upstreamMetrics } from './definitions.ts'
import { counter, gauge, histogram } from './instruments.ts'
import { type PluginFigures, pluginStates } from './plugin-figures.ts'

/**
 * The metrics of one host, in Prometheus' text format. Nobody can make series without end: labels are names that the host knows, and of the
 * services that a plugin names only so many.
 */
export class HostMetrics implements CallObserver {
  /** Prometheus' own text format. */
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE
  readonly #registry = new Registry()
  readonly #plugins: () => readonly PluginFigures[]
  readonly #services = new Map<string, BoundedNames>()
  #watchesProcess = false

  readonly #calls = counter(hostMetrics.calls, this.#registry)
  readonly #callSeconds = histogram(hostMetrics.callSeconds, this.#registry)
  readonly #callsInFlight = gauge(hostMetrics.callsInFlight, this.#registry)
  readonly #pluginState = gauge(hostMetrics.pluginState, this.#registry)
  readonly #pluginRestarts = counter(hostMetrics.pluginRestarts, this.#registry)
  readonly #pluginMemory = gauge(hostMetrics.pluginMemory, this.#registry)
  readonly #pluginRunning = gauge(hostMetrics.pluginRunning, this.#registry)
  readonly #pluginQueue = gauge(hostMetrics.pluginQueue, this.#registry)
  readonly #pluginCircuits = gauge(hostMetrics.pluginCircuits, this.#registry)
  readonly #driverSeconds = histogram(upstreamMetrics.driverSeconds, this.#registry)
  readonly #driverFailures = counter(upstreamMetrics.driverFailures, this.#registry)
  readonly #cloudRequests = counter(upstreamMetrics.cloudRequests, this.#registry)
  readonly #cloudFailures = counter(upstreamMetrics.cloudFailures, this.#registry)
  readonly #cloudSeconds = histogram(upstreamMetrics.cloudSeconds, this.#registry)

  /** @param plugins How the plugins are now; asked at each scrape. */
  constructor(plugins: () => readonly PluginFigures[]) {
    this.#plugins = plugins
    gauge(hostMetrics.build, this.#registry).set({ version: hostVersion, node_version: process.version }, 1)
  }

  callBegun(method: DriverMethod, provider: string): CallEnd {
    const startMs = performance.now()
    const labels = { provider, method: methodName(method) }
    this.#callsInFlight.inc(labels)
    return (error) => {
      this.#callsInFlight.dec(labels)
      this.#callSeconds.observe(labels, secondsSince(startMs))
      this.#calls.inc({ ...labels, code: error?.code ?? 'OK', source: error?.source ?? '' })
    }
  }

  driverAsked(method: DriverMethod, provider: string): CallEnd {
    const operation = operations[method]
    if (operation === undefined) return () => {}
    const startMs = performance.now()
    return (error) => {
      if (error) this.#driverFailures.inc({ provider, operation, error_code: MachineCodes[error.code] })
      else this.#driverSeconds.observe({ provider, operation }, secondsSince(startMs))
    }
  }

  /** A plugin says that it has sent a request to its cloud. */
  cloudRequested(provider: string, request: CloudRequest): void {
    const names = this.#services.get(provider) ?? new BoundedNames(maxServices)
    this.#services.set(provider, names)
    const labels = { provider, service: names.keep(request.service) }
    // As upstream's drivers count: a failure is no request, and has no duration.
    if (request.isFailure) {
      this.#cloudFailures.inc(labels)
    } else {
      this.#cloudRequests.inc(labels)
      this.#cloudSeconds.observe(labels, request.ms / 1000)
    }
  }

  /** All metrics as they are now. */
  async scrape(): Promise<string> {
    this.#watchProcess()
    this.#setPluginFigures()
    return await this.#registry.metrics()
  }

  /** From the first scrape on, since it costs something all the time, and a host may never be scraped. */
  #watchProcess(): void {
    if (this.#watchesProcess) return
    this.#watchesProcess = true
    collectDefaultMetrics({ register: this.#registry })
  }

  /** All of them anew, so that a plugin that has gone leaves nothing behind. */
  #setPluginFigures(): void {
    for (const metric of [this.#pluginState, this.#pluginRestarts, this.#pluginMemory]) metric.reset()
    for (const metric of [this.#pluginRunning, this.#pluginQueue, this.#pluginCircuits]) metric.reset()
    for (const { plugin, version, provider, state, memoryBytes, ...figures } of this.#plugins()) {
      const labels = { provider, plugin, version }
      for (const name of pluginStates) this.#pluginState.set({ ...labels, state: name }, name === state ? 1 : 0)
      this.#pluginRestarts.inc(labels, figures.restarts)
      this.#pluginRunning.set(labels, figures.runningCalls)
      this.#pluginQueue.set(labels, figures.queuedCalls)
      this.#pluginCircuits.set(labels, figures.openCircuits)
      if (memoryBytes !== undefined) this.#pluginMemory.set(labels, memoryBytes)
    }
  }
}

/** What upstream's drivers call their methods. The others have no name there. */
const operations: { [M in DriverMethod]?: string } = {
  createMachine: 'create_machine',
  initializeMachine: 'initialize_machine',
  deleteMachine: 'delete_machine',
  getMachineStatus: 'get_machine_status',
  listMachines: 'list_machine',
  getVolumeIDs: 'get_volume_ids',
}

// Far more than the APIs of a cloud that a driver uses, and few enough for a time series database.
const maxServices = 200

function secondsSince(startMs: number): number {
  return (performance.now() - startMs) / 1000
}
