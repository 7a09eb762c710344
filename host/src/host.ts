import { setTimeout as sleep } from 'node:timers/promises'
import type { Config } from './config/config.ts'
import { Certificates } from './contract/certificates.ts'
import type { GrpcServer } from './contract/grpc-server.ts'
import type { HttpServer } from './contract/http-server.ts'
import { formatListenAddress } from './contract/listen-address.ts'
import type { ServingStatus } from './contract/serving-status.ts'
import type { Log } from './log.ts'
import type { PluginReloader } from './routing/plugin-reloader.ts'
import type { RouteTable } from './routing/route-table.ts'
import type { Router } from './routing/router.ts'

/** The parts of a host, wired by the composition. */
export interface HostParts {
  config: Config
  log: Log
  routes: RouteTable
  router: Router
  reloader: PluginReloader
  status: ServingStatus
  grpc: GrpcServer
  http: HttpServer
}

/** The addresses on which a host listens. */
export interface Listening {
  grpc: string[]
  http: string[]
  probes: string[]
}

/** A host: starts its plugins and servers, and stops them in the right order. */
export class Host {
  readonly #parts: HostParts
  #certificates: Certificates | undefined
  #stopped: Promise<void> | undefined

  constructor(parts: HostParts) {
    this.#parts = parts
  }

  /**
   * Starts the plugins and listens. A plugin that does not start is logged and listed; it does not stop the host, and one
   * that is slow to start holds it up for a moment only.
   *
   * @returns The addresses on which the host listens.
   */
  async start(): Promise<Listening> {
    const { config, log, routes, reloader, status, grpc, http } = this.#parts
    // The supervisor keeps the reason for `mcm plugin list`, and the log has it.
    const starts = routes.supervisors.map((supervisor) => supervisor.start().catch(() => {}))
    // Usually all are there in a moment. A slow one does not hold up the others: calls to it wait for it.
    await Promise.race([Promise.all(starts), sleep(startWaitMs, undefined, { ref: false })])
    if (this.#stopped) throw new Error('it was told to stop')
    this.#tellStatus()
    routes.onChange(() => this.#tellStatus())
    if (config.watchPlugins) reloader.watch()
    if (config.tls) this.#certificates = await Certificates.read(config.tls, log)
    const listening: Listening = { grpc: [], http: [], probes: [] }
    for (const address of config.listen) {
      const certificates = address.kind === 'tcp' ? this.#certificates : undefined
      listening.grpc.push(formatListenAddress(await grpc.listen(address, certificates)))
    }
    for (const address of config.http.listen) {
      listening.http.push(formatListenAddress(await http.listen(address, this.#certificates)))
    }
    for (const address of config.http.probes) {
      listening.probes.push(formatListenAddress(await http.listenForProbes(address)))
    }
    status.set('', true)
    log.info({ ...listening, providers: routes.providers }, 'host serving')
    return listening
  }

  /**
   * Stops: takes no new calls, lets running ones finish for as long as the configuration says, then cancels them,
   * then ends the plugins. Safe to call twice.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  /** Health of each provider name that is or was served. One whose plugin is stopped is served: the next call starts it. */
  #tellStatus(): void {
    const { routes, status } = this.#parts
    const serving = new Map<string, boolean>()
    for (const { plugin, state, hello } of routes.supervisors) {
      // One that starts again is as good as stopped.
      const isServing = state.kind === 'ready' || state.kind === 'stopped' || (state.kind === 'starting' && !!hello)
      for (const provider of plugin.manifest.providers) serving.set(provider, isServing)
    }
    for (const provider of status.services) if (provider !== '' && !serving.has(provider)) serving.set(provider, false)
    for (const [provider, isServing] of serving) {
      if (status.get(provider) !== isServing) status.set(provider, isServing)
    }
  }

  async #stop(): Promise<void> {
    const { config, log, routes, router, reloader, status, grpc, http } = this.#parts
    log.info('host stopping')
    status.set('', false)
    const bound = AbortSignal.timeout(config.stopMs)
    const reloaded = reloader.close()
    // New calls are refused by the router rather than by closing connections, so that their callers get a clear answer.
    await router.drain(bound)
    // Cancels what is left; the plugins' last answers still go out.
    const all = [...routes.supervisors, ...routes.leaving]
    await Promise.all(all.map((supervisor) => supervisor.close(pluginGraceMs)))
    await reloaded
    // One that a reload added at the last moment.
    await Promise.all(routes.supervisors.map((supervisor) => supervisor.close(pluginGraceMs)))
    const last = AbortSignal.timeout(connectionGraceMs)
    await Promise.all([grpc.close(last), http.close(last)])
    this.#certificates?.close()
    log.info('host stopped')
  }
}

const startWaitMs = 3000
const pluginGraceMs = 5000
const connectionGraceMs = 2000
