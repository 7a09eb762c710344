import { hostError } from '../host-error.ts'
import type { RejectedPackage } from '../plugins/plugin-package.ts'
import type { PluginSupervisor } from '../runtime/plugin-supervisor.ts'

/** Which plugin serves which provider name. It changes when plugins are loaded again. */
export class RouteTable {
  readonly #supervisors = new Map<string, PluginSupervisor>()
  /** Those that are on their way out: they take no calls. */
  readonly #leaving = new Set<PluginSupervisor>()
  readonly #listeners: (() => void)[] = []
  #rejected: readonly RejectedPackage[]

  constructor(supervisors: readonly PluginSupervisor[], rejected: readonly RejectedPackage[]) {
    this.#rejected = rejected
    for (const supervisor of supervisors) this.add(supervisor)
  }

  /** All plugins that take calls, sorted by package name. */
  get supervisors(): PluginSupervisor[] {
    return [...this.#supervisors.values()].sort((a, b) => a.plugin.name.localeCompare(b.plugin.name))
  }

  /** Those that answer what they have and then end. */
  get leaving(): PluginSupervisor[] {
    return [...this.#leaving]
  }

  /** Packages that cannot be used. */
  get rejected(): readonly RejectedPackage[] {
    return this.#rejected
  }

  set rejected(rejected: readonly RejectedPackage[]) {
    this.#rejected = rejected
    this.#changed()
  }

  /** All provider names that are served. */
  get providers(): string[] {
    return this.supervisors.flatMap(({ plugin }) => plugin.manifest.providers).sort()
  }

  add(supervisor: PluginSupervisor): void {
    this.#supervisors.set(supervisor.plugin.name, supervisor)
    supervisor.onChange(() => this.#changed())
    this.#changed()
  }

  /** Gives it no more calls. Resolves when `leave`, which ends it, has. */
  async remove(supervisor: PluginSupervisor, leave: () => Promise<void>): Promise<void> {
    this.#supervisors.delete(supervisor.plugin.name)
    this.#leaving.add(supervisor)
    this.#changed()
    await leave().finally(() => this.#leaving.delete(supervisor))
    this.#changed()
  }

  /** The plugin of a package name. */
  get(name: string): PluginSupervisor | undefined {
    return this.#supervisors.get(name)
  }

  /** The plugin for a provider name, which is compared exactly. */
  find(provider: string): PluginSupervisor | undefined {
    // A handful of plugins with one or two names each: an index would have to follow every upgrade.
    for (const supervisor of this.#supervisors.values()) {
      if (supervisor.plugin.manifest.providers.includes(provider)) return supervisor
    }
    return undefined
  }

  /** The same. Throws `InvalidArgument` when there is none. */
  supervisorFor(provider: string): PluginSupervisor {
    const supervisor = this.find(provider)
    if (supervisor) return supervisor
    const { providers } = this
    const served = providers.length > 0 ? `it serves ${providers.join(', ')}` : 'it has no plugins'
    const claimant = this.#rejected.find((rejected) => rejected.providers.includes(provider))
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

  /** Calls back after each change, of the table or of a plugin in it. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener)
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}
