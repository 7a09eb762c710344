import type { PluginPackage } from '../plugins/plugin-package.ts'
import type { HostMessage } from './messages.ts'

/**
 * How to run a plugin, apart from how to talk to it. A runner knows processes, not calls; {@link PluginInstance} knows
 * calls, not processes.
 */
export interface Runner {
  /** Starts the plugin. Failure to start shows as an end, so that there is one place to look for it. */
  start(plugin: PluginPackage, events: RunnerEvents): RunningPlugin
}

/** What a running plugin tells. After `ended` nothing comes any more. */
export interface RunnerEvents {
  /** Something came over the channel. Code of the plugin can send there too, so it may be anything. */
  message(message: unknown): void
  /** One line that the plugin printed. */
  output(line: string): void
  /** It ended, for this reason, with its last lines where that helps. Called once. */
  ended(reason: string): void
}

/** A plugin that runs. */
export interface RunningPlugin {
  /** Process id; `undefined` where it has no process of its own. */
  readonly pid: number | undefined
  send(message: HostMessage): void
  /** Asks it to end, and after `graceMs` makes it. Resolves when it has ended. Safe to call twice. */
  stop(graceMs: number): Promise<void>
}
