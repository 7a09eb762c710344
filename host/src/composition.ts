import 'reflect-metadata'
import { setLogger } from '@grpc/grpc-js'
import { type DependencyContainer, type InjectionToken, instanceCachingFactory, container as root } from 'tsyringe'
import type { Config } from './config/config.ts'
import { GrpcServer, type Services } from './contract/grpc-server.ts'
import { HttpServer } from './contract/http-server.ts'
import { listPlugins } from './contract/plugins-service.ts'
import { ServingStatus } from './contract/serving-status.ts'
import { Host } from './host.ts'
import { readInstalledPlugins } from './install/installed-plugins.ts'
import { refusedByPolicy } from './install/policy.ts'
import { createLog, type Log } from './log.ts'
import { type FoundPlugins, findPlugins } from './plugins/find-plugins.ts'
import { RouteTable } from './routing/route-table.ts'
import { Router } from './routing/router.ts'
import { makeRunner } from './runtime/make-runner.ts'
import { PluginInstance } from './runtime/plugin-instance.ts'
import type { Runner } from './runtime/runner.ts'

/**
 * The only place that wires things, and the only one that knows the container. Everything else gets what it needs as
 * arguments. Factories instead of decorators: the bundler emits no type metadata for them.
 */
export const tokens = {
  config: Symbol('Config') as InjectionToken<Config>,
  log: Symbol('Log') as InjectionToken<Log>,
  runner: Symbol('Runner') as InjectionToken<Runner>,
  plugins: Symbol('FoundPlugins') as InjectionToken<FoundPlugins>,
  routes: Symbol('RouteTable') as InjectionToken<RouteTable>,
  router: Symbol('Router') as InjectionToken<Router>,
  status: Symbol('ServingStatus') as InjectionToken<ServingStatus>,
  services: Symbol('Services') as InjectionToken<Services>,
  grpc: Symbol('GrpcServer') as InjectionToken<GrpcServer>,
  http: Symbol('HttpServer') as InjectionToken<HttpServer>,
  host: Symbol('Host') as InjectionToken<Host>,
}

/** Wires a host. A test may register its own parts, such as a runner, in the returned container before it resolves. */
export async function compose(config: Config): Promise<DependencyContainer> {
  const plugins = await findPlugins({
    packages: config.plugins,
    folders: config.pluginDirs,
    workingDirectory: process.cwd(),
    readInstalled: readInstalledPlugins,
    refuse: (plugin) => refusedByPolicy(plugin, config.pluginPolicy),
  })
  const container = root.createChildContainer()
  const single = <T>(token: InjectionToken<T>, make: (resolve: Resolve) => T) =>
    container.register(token, {
      useFactory: instanceCachingFactory((scope) => make((needed) => scope.resolve(needed))),
    })

  container.register(tokens.config, { useValue: config })
  container.register(tokens.plugins, { useValue: plugins })
  single(tokens.log, () => createLog(config.log))
  single(tokens.runner, (resolve) => makeRunner(config.isolation, resolve(tokens.log)))
  single(tokens.routes, (resolve) => {
    const { plugins, rejected } = resolve(tokens.plugins)
    const log = resolve(tokens.log)
    for (const { name, folder, reason } of rejected) log.warn({ plugin: name, folder, reason }, 'plugin not loaded')
    return new RouteTable(
      plugins.map((plugin) => new PluginInstance(plugin, resolve(tokens.runner), log)),
      rejected,
    )
  })
  single(tokens.router, (resolve) => new Router(resolve(tokens.routes), config.deadlines, resolve(tokens.log)))
  single(tokens.status, () => new ServingStatus())
  single(tokens.services, (resolve) => {
    const routes = resolve(tokens.routes)
    const { driver } = resolve(tokens.router)
    const status = resolve(tokens.status)
    return { driver, listPlugins: () => listPlugins(routes.instances, plugins.rejected), status }
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
    return new HttpServer(resolve(tokens.services), { allowedOrigins, maxMessageBytes: config.maxMessageBytes })
  })
  single(tokens.host, (resolve) => {
    return new Host({
      config,
      log: resolve(tokens.log),
      routes: resolve(tokens.routes),
      router: resolve(tokens.router),
      status: resolve(tokens.status),
      grpc: resolve(tokens.grpc),
      http: resolve(tokens.http),
    })
  })
  return container
}

type Resolve = <T>(token: InjectionToken<T>) => T
