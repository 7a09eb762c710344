import type { Plugin } from '@mcm/sdk'
import type { PluginPackage } from '../plugins/plugin-package.ts'
import { loadPlugin } from './load-plugin.ts'
import type { PluginMessage } from './messages.ts'
import { PluginServer } from './plugin-server.ts'
import type { Runner, RunnerEvents, RunningPlugin } from './runner.ts'

/**
 * Runs plugins in the host's own process: for tests, and to debug a plugin and the host together. Nothing protects
 * the host from the plugin then.
 */
export class InlineRunner implements Runner {
  readonly #load: (plugin: PluginPackage) => Promise<Plugin>

  /** @param load Where the plugin comes from. Default: imported from its package. */
  constructor(load: (plugin: PluginPackage) => Promise<Plugin> = ({ entry }) => loadPlugin(entry)) {
    this.#load = load
  }

  start(plugin: PluginPackage, events: RunnerEvents): RunningPlugin {
    let isEnded = false
    const end = (reason: string) => {
      if (isEnded) return
      isEnded = true
      events.ended(reason)
    }
    const emit = (message: PluginMessage) => {
      if (!isEnded) events.message(message)
    }
    const load = async () => {
      try {
        return new PluginServer(await this.#load(plugin), emit)
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error)
        emit({ type: 'refused', reason })
        end(`cannot be loaded: ${reason}`)
        return undefined
      }
    }
    const server = load()
    return {
      pid: undefined,
      send: (message) => void server.then((running) => running?.receive(message)),
      async stop() {
        await (await server)?.close()
        end('was stopped')
      },
    }
  }
}
