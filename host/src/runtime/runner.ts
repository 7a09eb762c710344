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
  /** It ended. Called once. */
  ended(end: PluginEnd): void
}

/** How a plugin ended. */
export interface PluginEnd {
  /** A phrase that follows the plugin's name, such as `exited with code 7` or `ran out of memory: …`. */
  cause: string
  /** What it printed last. Empty after a clean exit, which needs no explanation. */
  lastLines: readonly string[]
}

/** A plugin that runs. */
export interface RunningPlugin {
  /** Process id; `undefined` where it has no process of its own. */
  readonly pid: number | undefined
  /** What it holds in memory now; `undefined` where that cannot be told apart from the host's. */
  memoryBytes(): number | undefined
  send(message: HostMessage): void
  /** Asks it to end, and after `graceMs` makes it. Resolves when it has ended. Safe to call twice, and after `kill`. */
  stop(graceMs: number): Promise<void>
  /** Ends it at once, as far as the runner can. `cause` becomes the cause of its end. Resolves when it has ended. */
  kill(cause: string): Promise<void>
}
