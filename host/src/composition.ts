import 'reflect-metadata'
import { existsSync } from 'node:fs'
import { setLogger } from '@grpc/grpc-js'
import { type DependencyContainer, type InjectionToken, instanceCachingFactory, container as root } from 'tsyringe'
import { type Config, defaultPluginDirs } from './config/config.ts'
import { GrpcServer, type Services } from './contract/grpc-server.ts'
import { HttpServer } from './contract/http-server.ts'
import { PluginsService } from './contract/plugins-service.ts'
import { Probes } from './contract/probes.ts'
import { ServingStatus } from './contract/serving-status.ts'
import { Host } from './host.ts'
import { readInstalledPlugins } from './install/installed-plugins.ts'
import { PluginFolder } from './install/plugin-folder.ts'
import { refusedByPolicy } from './install/policy.ts'
import { createLog, type Log } from './log.ts'
import { HostMetrics } from './metrics/host-metrics.ts'
import { type PluginFigures, pluginFigures } from './metrics/plugin-figures.ts'
import { type FoundPlugins, findPlugins } from './plugins/find-plugins.ts'
import type { Permissions } from './plugins/permissions.ts'
import { ownProvider, type PluginPackage } from './plugins/plugin-package.ts'
import { PluginReloader, signatureOf } from './routing/plugin-reloader.ts'
import { Resilience } from './routing/resilience/resilience.ts'
import { RouteTable } from './routing/route-table.ts'
import { Router } from './routing/router.ts'
import type { CloudRequest } from './runtime/messages.ts'
import { PluginSupervisor } from './runtime/plugin-supervisor.ts'
import type { Runner } from './runtime/runner.ts'
import { makeRunner } from './runtime/runners/make-runner.ts'

/**
 * The only place that wires things, and the only one that knows the container. Everything else gets what it needs as
 * arguments. Factories instead of decorators: the bundler emits no type metadata for them.
 */
export const tokens = {
  config: Symbol('Config') as InjectionToken<Config>,
  log: Symbol('Log') as InjectionToken<Log>,
  runner: Symbol('Runner') as InjectionToken<Runner>,
  plugins: Symbol('FoundPlugins') as InjectionToken<FoundPlugins>,
  supervise: Symbol('supervise') as InjectionToken<(plugin: PluginPackage) => PluginSupervisor>,
  routes: Symbol('RouteTable') as InjectionToken<RouteTable>,
  resilience: Symbol('Resilience') as InjectionToken<Resilience>,
  pluginFigures: Symbol('pluginFigures') as InjectionToken<() => PluginFigures[]>,
  metrics: Symbol('HostMetrics') as InjectionToken<HostMetrics>,
  router: Symbol('Router') as InjectionToken<Router>,
  reloader: Symbol('PluginReloader') as InjectionToken<PluginReloader>,
  status: Symbol('ServingStatus') as InjectionToken<ServingStatus>,
  services: Symbol('Services') as InjectionToken<Services>,
  grpc: Symbol('GrpcServer') as InjectionToken<GrpcServer>,
  http: Symbol('HttpServer') as InjectionToken<HttpServer>,
  host: Symbol('Host') as InjectionToken<Host>,
}

/** Wires a host. A test may register its own parts, such as a runner, in the returned container before it resolves. */
export async function compose(config: Config): Promise<DependencyContainer> {
  const { grant = {} } = config.pluginPolicy
  const find = async () => {
    const { plugins, rejected } = await findPlugins({
      packages: config.plugins,
      folders: config.pluginDirs ?? defaultPluginDirs().filter(existsSync),
      workingDirectory: process.cwd(),
      readInstalled: readInstalledPlugins,
      refuse: (plugin) => refusedByPolicy(plugin, config.pluginPolicy),
    })
    return { plugins: plugins.map((plugin) => withGrant(plugin, grant[plugin.name])), rejected }
  }
  const watched = (config.pluginDirs ?? defaultPluginDirs()).map((folder) => new PluginFolder(folder).lockFile)
  const signature = await signatureOf(watched)
  const plugins = await find()
  const container = root.createChildContainer()
  const single = <T>(token: InjectionToken<T>, make: (resolve: Resolve) => T) =>
    container.register(token, {
      useFactory: instanceCachingFactory((scope) => make((needed) => scope.resolve(needed))),
    })

  container.register(tokens.config, { useValue: config })
  container.register(tokens.plugins, { useValue: plugins })
  single(tokens.log, () => createLog(config.log))
  single(tokens.runner, (resolve) => makeRunner(config.isolation, resolve(tokens.log)))
  single(tokens.supervise, (resolve) => {
    const options = {
      runner: resolve(tokens.runner),
      limits: config.supervision,
      isLinted: config.lint,
      log: resolve(tokens.log),
      // Not before a plugin runs: metrics know the routes, and those know what this makes.
      onCloudRequest: (plugin: PluginPackage, request: CloudRequest) =>
        resolve(tokens.metrics).cloudRequested(ownProvider(plugin), request),
    }
    return (plugin) => new PluginSupervisor(plugin, options)
  })
  single(tokens.routes, (resolve) => {
    const { plugins, rejected } = resolve(tokens.plugins)
    const log = resolve(tokens.log)
    for (const { name, folder, reason } of rejected) log.warn({ plugin: name, folder, reason }, 'plugin not loaded')
    // Most likely a typing error. What it was meant for lacks something.
    const absent = Object.keys(grant).filter((name) => ![...plugins, ...rejected].some((one) => one.name === name))
    for (const name of absent) log.warn({ plugin: name }, 'permissions are granted to a plugin that is not there')
    return new RouteTable(plugins.map(resolve(tokens.supervise)), rejected)
  })
  single(tokens.reloader, (resolve) => {
    return new PluginReloader({
      routes: resolve(tokens.routes),
      find,
      supervise: resolve(tokens.supervise),
      watched,
      signature,
      leaveMs: config.deadlines.maxMs,
      log: resolve(tokens.log),
    })
  })
  single(tokens.resilience, (resolve) => new Resilience(config.concurrency, resolve(tokens.log)))
  single(tokens.router, (resolve) => {
    const [routes, resilience] = [resolve(tokens.routes), resolve(tokens.resilience)]
    return new Router(routes, config.deadlines, resilience, resolve(tokens.log), resolve(tokens.metrics))
  })
  single(tokens.pluginFigures, (resolve) => {
    const [routes, resilience] = [resolve(tokens.routes), resolve(tokens.resilience)]
    return () => pluginFigures(routes, resilience)
  })
  single(tokens.metrics, (resolve) => new HostMetrics(resolve(tokens.pluginFigures)))
  single(tokens.status, () => new ServingStatus())
  single(tokens.services, (resolve) => {
    const plugins = new PluginsService(resolve(tokens.routes), resolve(tokens.reloader))
    return { driver: resolve(tokens.router).driver, plugins, status: resolve(tokens.status) }
  })
  single(tokens.grpc, (resolve) => {
    const log = resolve(tokens.log)
    // What grpc-js would print to stderr, between the lines of the log.
    const line = (text: unknown) => log.debug({ text }, 'grpc-js')
    setLogger({ error: line, info: line, debug: line })
    return new GrpcServer(resolve(tokens.services), config.maxMessageBytes)
  })
  single(tokens.http, (resolve) => {
    const { allowedOrigins } = config.http
    const options = { allowedOrigins, maxMessageBytes: config.maxMessageBytes }
    const status = resolve(tokens.status)
    const metrics = resolve(tokens.metrics)
    const plugins = resolve(tokens.pluginFigures)
    const probes = new Probes({ isServing: () => status.get('') === true, plugins, metrics })
    return new HttpServer(resolve(tokens.services), probes, options)
  })
  single(tokens.host, (resolve) => {
    return new Host({
      config,
      log: resolve(tokens.log),
      routes: resolve(tokens.routes),
      router: resolve(tokens.router),
      reloader: resolve(tokens.reloader),
      status: resolve(tokens.status),
      grpc: resolve(tokens.grpc),
      http: resolve(tokens.http),
    })
  })
  return container
}

function withGrant(plugin: PluginPackage, granted: Permissions | undefined): PluginPackage {
  return granted === undefined ? plugin : { ...plugin, granted }
}

type Resolve = <T>(token: InjectionToken<T>) => T
