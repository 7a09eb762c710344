import type { Plugin } from '@mcm/sdk'
import type { PluginPackage } from '../../plugins/plugin-package.ts'
import { loadPlugin } from '../plugin-side/load-plugin.ts'
import { PluginServer } from '../plugin-side/plugin-server.ts'
import type { Runner, RunnerEvents, RunningPlugin } from '../runner.ts'

/**
 * Runs plugins in the host's own process: for tests, and to debug a plugin and the host together. Nothing protects
 * the host from the plugin then, and nothing can kill the plugin but its own consent.
 */
export class InlineRunner implements Runner {
  readonly #load: (plugin: PluginPackage) => Promise<Plugin>

  /** @param load Where the plugin comes from. Default: imported from its package. */
  constructor(load: (plugin: PluginPackage) => Promise<Plugin> = ({ entry }) => loadPlugin(entry)) {
    this.#load = load
  }

  start(plugin: PluginPackage, events: RunnerEvents): RunningPlugin {
    let isEnded = false
    const end = (cause: string) => {
      if (isEnded) return
      isEnded = true
      events.ended({ cause, lastLines: [] })
    }
    const server = new PluginServer(
      () => this.#load(plugin),
      (message) => {
        if (!isEnded) events.message(message)
      },
    )
    return {
      pid: undefined,
      memoryBytes: () => undefined,
      send: (message) => server.receive(message),
      async stop() {
        await server.close()
        end('was stopped')
      },
      async kill(cause) {
        end(cause)
        await server.close()
      },
    }
  }
}
