import type { PluginEnd, RunnerEvents, RunningPlugin } from '../runner.ts'

/** Stands for a plugin that a runner could not start: it has ended. */
export function notStarted(error: Error, events: RunnerEvents): RunningPlugin {
  const end: PluginEnd = { cause: `could not be started: ${error.message}`, lastLines: [] }
  // Not before the caller has what it is told about.
  const ended = Promise.resolve().then(() => events.ended(end))
  return {
    pid: undefined,
    memoryBytes: () => undefined,
    send: () => {},
    stop: async () => await ended,
    kill: async () => await ended,
  }
}
