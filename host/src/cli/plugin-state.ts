import { type Plugin, PluginState } from '@mcm/sdk/contract'

/** How a plugin is, at a glance: its state, and what else runs of it. */
export function stateOf({ state, reason, instances, notice }: Plugin): string {
  const current = stateName(state)
  const draining = instances.filter((instance) => instance.state === PluginState.DRAINING)
  const canary = instances.find(({ canaryPercent }) => canaryPercent > 0)
  const next = instances.find((instance) => instance.state !== PluginState.DRAINING)
  const moving =
    draining.length > 0 && next && !canary
      ? `${draining.map(({ version }) => version).join(', ')} draining → ${next.version} ${current}`
      : current
  const parts = [
    reason === '' ? moving : `${moving}: ${reason}`,
    ...(canary ? [`${percent(canary.canaryPercent)} to ${canary.version}`] : []),
    ...(notice === '' ? [] : [notice]),
  ]
  return parts.join('; ')
}

/** The name of a state, for people. */
export function stateName(state: PluginState): string {
  return PluginState[state]?.toLowerCase() ?? 'unknown'
}

/** `71M`; empty where it cannot be told. */
export function memory(bytes: number): string {
  return bytes > 0 ? `${Math.round(bytes / 1024 / 1024)}M` : ''
}

/** A share for people. */
export function percent(value: number): string {
  return `${Number(value.toFixed(1))} %`
}
