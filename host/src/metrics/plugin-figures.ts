import { ownProvider } from '../plugins/plugin-package.ts'
import type { Resilience } from '../routing/resilience/resilience.ts'
import type { RouteTable } from '../routing/route-table.ts'

/** The states of a plugin as metrics and readiness name them. */
export const pluginStates = ['starting', 'ready', 'stopped', 'quarantined', 'failed'] as const
export type PluginStateName = (typeof pluginStates)[number]

/** How a plugin is at this moment: all that runs of it together, also a version that is tried or on its way out. */
export interface PluginFigures {
  /** Name of its package. */
  plugin: string
  /** The version that new calls go to. */
  version: string
  /** Its own name among those that it serves. */
  provider: string
  state: PluginStateName
  /** Why it cannot be used, if that is so. */
  reason: string
  restarts: number
  runningCalls: number
  queuedCalls: number
  openCircuits: number
  /** `undefined` while nothing runs, and where the system does not tell. */
  memoryBytes: number | undefined
}

/** The figures of all plugins that were found, also of those that could not be loaded. */
export function pluginFigures({ supervisors, rejected }: RouteTable, resilience: Resilience): PluginFigures[] {
  const used = supervisors.map((supervisor): PluginFigures => {
    const { plugin, state, figures } = supervisor
    const { queued, openCircuits } = resilience.figures(plugin.name)
    return {
      plugin: plugin.name,
      version: plugin.version,
      provider: ownProvider(plugin),
      state: state.kind === 'closed' ? 'stopped' : state.kind,
      reason: 'reason' in state ? state.reason : '',
      restarts: figures.restarts,
      runningCalls: figures.running,
      queuedCalls: queued,
      openCircuits,
      memoryBytes: figures.memoryBytes === 0 ? undefined : figures.memoryBytes,
    }
  })
  // Another copy of a plugin that is served is no plugin that is missing.
  const missing = rejected.filter(({ name }) => !used.some(({ plugin }) => plugin === name))
  const unused = missing.map(({ name, version, providers, reason }): PluginFigures => {
    const about = { plugin: name, version, provider: providers[0] ?? '', state: 'failed', reason } as const
    return { ...about, restarts: 0, runningCalls: 0, queuedCalls: 0, openCircuits: 0, memoryBytes: undefined }
  })
  return [...used, ...unused]
}
