import { hostError } from '../host-error.ts'
import type { RejectedPackage } from '../plugins/plugin-package.ts'
import type { PluginInstance } from '../runtime/plugin-instance.ts'

/** Which plugin serves which provider name. */
export class RouteTable {
  /** All plugins that can be used, sorted by package name. */
  readonly instances: readonly PluginInstance[]
  readonly #byProvider = new Map<string, PluginInstance>()
  readonly #rejected: readonly RejectedPackage[]

  constructor(instances: readonly PluginInstance[], rejected: readonly RejectedPackage[]) {
    this.instances = [...instances].sort((a, b) => a.plugin.name.localeCompare(b.plugin.name))
    this.#rejected = rejected
    for (const instance of instances) {
      for (const provider of instance.plugin.manifest.providers) this.#byProvider.set(provider, instance)
    }
  }

  /** All provider names that are served. */
  get providers(): string[] {
    return [...this.#byProvider.keys()].sort()
  }

  /** The plugin for a provider name, which is compared exactly. */
  find(provider: string): PluginInstance | undefined {
    return this.#byProvider.get(provider)
  }

  /** The same. Throws `InvalidArgument` when there is none. */
  instanceFor(provider: string): PluginInstance {
    const instance = this.find(provider)
    if (instance) return instance
    const served = this.providers.length > 0 ? `it serves ${this.providers.join(', ')}` : 'it has no plugins'
    const claimant = this.#rejected.find(({ providers }) => providers.includes(provider))
    const claim = claimant ? `; ${claimant.name} would, but is not loaded: ${claimant.reason}` : ''
    const what =
      provider === ''
        ? 'the MachineClass names no provider'
        : `no plugin serves provider ${JSON.stringify(provider.slice(0, 100))}`
    throw hostError('PROVIDER_UNKNOWN', `${what}; ${served}${claim}`, {
      violations: [
        { path: 'machineClass.provider', message: provider === '' ? 'is required' : 'is not served by this host' },
      ],
    })
  }
}
