import { Writable } from 'node:stream'
import { definePlugin, type MachineError, type Plugin, Type } from '@mcm/sdk'
import pino from 'pino'
import type { Log } from '../log.ts'
import { HostMetrics } from '../metrics/host-metrics.ts'
import { pluginFigures } from '../metrics/plugin-figures.ts'
import type { PluginPackage } from '../plugins/plugin-package.ts'
import { Resilience } from '../routing/resilience/resilience.ts'
import type { SlotLimits } from '../routing/resilience/slots.ts'
import { RouteTable } from '../routing/route-table.ts'
import { type Deadlines, Router } from '../routing/router.ts'
import { PluginSupervisor } from '../runtime/plugin-supervisor.ts'
import { InlineRunner } from '../runtime/runners/inline-runner.ts'

// For unit tests: hosts without processes, disks and sockets.

/** A log whose lines a test can read. */
export function memoryLog(): { log: Log; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = []
  const stream = new Writable({
    write(chunk: Buffer, _, done) {
      lines.push(JSON.parse(chunk.toString()))
      done()
    },
  })
  return { log: pino({ level: 'trace', base: {}, timestamp: false }, stream), lines }
}

/** A package that is nowhere. */
export function packageOf(provider: string, aliases: readonly string[] = []): PluginPackage {
  const manifest = { contract: 1, host: '>=0.1.0', providers: [provider, ...aliases] }
  return { name: `plugin-${provider}`, version: '1.0.0', description: '', folder: '/nowhere', entry: 'none', manifest }
}

/** A plugin that does nothing, but for what a test gives it. */
export function pluginOf(provider: string, parts: Partial<Plugin> = {}): Plugin {
  return definePlugin({
    provider,
    providerSpec: Type.Object({}),
    secret: {},
    createMachine: async () => ({ providerID: 'x:///1', nodeName: 'n' }),
    deleteMachine: async () => {},
    ...(parts as object),
  })
}

/** A router with plugins in this process. */
export function inlineRouter(plugins: readonly Plugin[], settings: Partial<Deadlines & SlotLimits> = {}) {
  const { log, lines } = memoryLog()
  const supervisors = plugins.map((plugin) => {
    const runner = new InlineRunner(async () => plugin)
    return new PluginSupervisor(packageOf(plugin.provider, plugin.aliases), {
      runner,
      limits,
      log,
      onCloudRequest: (_, cloudRequest) => metrics.cloudRequested(plugin.provider, cloudRequest),
    })
  })
  const routes = new RouteTable(supervisors, [])
  const deadlines = { changeMs: 60_000, readMs: 30_000, maxMs: 120_000, methodMs: {}, ...settings }
  const resilience = new Resilience({ perCredential: 64, perPlugin: 256, queuePerCredential: 1000, ...settings }, log)
  const metrics = new HostMetrics(() => pluginFigures(routes, resilience))
  const router = new Router(routes, deadlines, resilience, log, metrics)
  return { router, resilience, driver: router.driver, routes, supervisors, lines, metrics }
}

/** Patience of unit tests. */
export const limits = { startMs: 20_000, stuckMs: 3000, abortGraceMs: 10_000, maxAnswerBytes: 16 * 1024 * 1024 }

/** The error of a promise that has to fail. */
export async function errorOf(promise: Promise<unknown>): Promise<MachineError> {
  return await promise.then(
    (value) => {
      throw new Error(`should have failed, and gave ${JSON.stringify(value)}`)
    },
    (error: MachineError) => error,
  )
}
