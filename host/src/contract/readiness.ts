import type { PluginFigures, PluginStateName } from '../metrics/plugin-figures.ts'

/** Whether calls should come here, and a page that says why, in the form that Kubernetes' own servers have. */
export interface Readiness {
  isReady: boolean
  /** One line per check. */
  page: string
}

/**
 * A host is ready when it serves and one of its plugins can be used. A plugin that cannot is named, but takes nothing away
 * from the others: else one bad plugin would take all providers from everybody.
 */
export function readiness(isServing: boolean, plugins: readonly PluginFigures[]): Readiness {
  const isOneUsable = plugins.some(({ state }) => usable[state])
  const isReady = isServing && isOneUsable
  const lines = [
    isServing ? '[+]host ok' : '[-]host failed: it is starting or stopping',
    isOneUsable
      ? '[+]plugins ok'
      : `[-]plugins failed: ${plugins.length === 0 ? 'none was found' : 'none can be used'}`,
    ...plugins.map((plugin) => (usable[plugin.state] ? `[+]plugin ${plugin.plugin} ok` : failedLine(plugin))),
    `readyz check ${isReady ? 'passed' : 'failed'}`,
  ]
  return { isReady, page: `${lines.join('\n')}\n` }
}

const usable: Record<PluginStateName, boolean> = {
  // Calls wait for it.
  starting: true,
  ready: true,
  // The next call starts it.
  stopped: true,
  quarantined: false,
  failed: false,
}

function failedLine({ plugin, state, reason }: PluginFigures): string {
  // What follows are the last lines that it printed, which are not for everybody.
  const [why = ''] = reason.split('\n')
  const text = why.replace(/; its last lines:$/, '').slice(0, maxReasonLength)
  return `[-]plugin ${plugin} failed: ${text === '' ? state : text}`
}

const maxReasonLength = 300
