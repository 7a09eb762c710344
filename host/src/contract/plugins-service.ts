import { create } from '@bufbuild/protobuf'
import type { JsonObject, SecretKeys } from '@mcm/sdk'
import {
  isRequired,
  type ListPluginsResponse,
  ListPluginsResponseSchema,
  methodName,
  type Plugin,
  type PluginChange,
  PluginChangeKind,
  PluginChangeSchema,
  PluginFailureSchema,
  type PluginInstance as PluginInstanceMessage,
  PluginInstanceSchema,
  PluginSchema,
  PluginState,
  type ReloadPluginsRequest,
  type ReloadPluginsResponse,
  ReloadPluginsResponseSchema,
  type SecretKey,
  SecretKeySchema,
} from '@mcm/sdk/contract'
import { hostError } from '../host-error.ts'
import type { RejectedPackage } from '../plugins/plugin-package.ts'
import type { PluginChange as Change, PluginReloader } from '../routing/plugin-reloader.ts'
import type { RouteTable } from '../routing/route-table.ts'
import type { InstanceState, PluginInstance } from '../runtime/plugin-instance.ts'
import type { PluginSupervisor, SupervisorState } from '../runtime/plugin-supervisor.ts'
import { inputSchema } from '../schema/input-schema.ts'

/** The Plugins service, the same for every protocol. */
export class PluginsService {
  readonly #routes: RouteTable
  readonly #reloader: PluginReloader

  constructor(routes: RouteTable, reloader: PluginReloader) {
    this.#routes = routes
    this.#reloader = reloader
  }

  /** All plugins of the host, also those that cannot be used and those that leave. */
  list(): ListPluginsResponse {
    const { supervisors, leaving, rejected } = this.#routes
    // A plugin that goes on although its files cannot be used any more shows once, with the reason.
    const reasons = new Map<string, string>()
    const unused = rejected.filter(({ name, folder, reason }) => {
      const isRunning = supervisors.some((one) => one.plugin.name === name && (!folder || one.plugin.folder === folder))
      if (isRunning) reasons.set(name, `what is installed now cannot be used: ${reason}`)
      return !isRunning
    })
    const plugins = [...supervisors, ...leaving].map((one) => describePlugin(one, reasons.get(one.plugin.name)))
    const all = [...plugins, ...unused.map(describeRejected)]
    return create(ListPluginsResponseSchema, { plugins: all.sort((a, b) => a.name.localeCompare(b.name)) })
  }

  /** Looks for plugins again, and goes over to what is there now. */
  async reload({ canaryPercent }: Pick<ReloadPluginsRequest, 'canaryPercent'>): Promise<ReloadPluginsResponse> {
    if (!(canaryPercent >= 0 && canaryPercent < 100)) {
      throw hostError('REQUEST_INCOMPLETE', 'ReloadPlugins: canaryPercent must be at least 0 and below 100', {
        violations: [{ path: 'canaryPercent', message: 'must be at least 0 and below 100' }],
      })
    }
    const changes = await this.#reloader.reload(canaryPercent > 0 ? { canaryShare: canaryPercent / 100 } : {})
    return create(ReloadPluginsResponseSchema, { changes: changes.map(describeChange) })
  }
}

function describePlugin(supervisor: PluginSupervisor, rejection: string | undefined): Plugin {
  const { plugin, hello, state, instances, figures, lastFailure, notice } = supervisor
  const { granted, manifest } = plugin
  const { permissions } = manifest
  return create(PluginSchema, {
    name: plugin.name,
    version: plugin.version,
    description: plugin.description,
    providers: plugin.manifest.providers,
    capabilities: hello?.capabilities.map(methodName) ?? [],
    ...(permissions && { permissions: { ...permissions } as JsonObject }),
    ...(granted && { grantedPermissions: { ...granted } as JsonObject }),
    ...(hello && { providerSpecSchema: inputSchema(hello.providerSpec), secretKeys: describeSecret(hello.secret) }),
    // Closed while something of it runs: it is on its way out.
    state: state.kind === 'closed' && instances.length > 0 ? PluginState.DRAINING : states[state.kind],
    reason: 'reason' in state ? state.reason : '',
    folder: plugin.folder,
    pid: (state.kind === 'ready' ? state.instance.pid : instances[0]?.pid) ?? 0,
    ...figures,
    instances: instances.map((instance) => describeInstance(instance, supervisor)),
    ...(lastFailure && {
      lastFailure: create(PluginFailureSchema, {
        time: new Date(lastFailure.atMs).toISOString(),
        cause: lastFailure.cause,
        lastLines: [...lastFailure.lastLines],
      }),
    }),
    notice: rejection ?? notice,
  })
}

function describeInstance(instance: PluginInstance, { canary }: PluginSupervisor): PluginInstanceMessage {
  const { id, plugin, state, pid, memoryBytes, figures } = instance
  return create(PluginInstanceSchema, {
    id,
    version: plugin.version,
    state: instanceStates[state.kind],
    reason: state.kind === 'draining' ? state.why : '',
    pid: pid ?? 0,
    memoryBytes: memoryBytes ?? 0,
    ...figures,
    canaryPercent: canary?.instance === instance ? canary.share * 100 : 0,
    tree: plugin.tree ?? '',
    sdkVersion: state.kind === 'starting' ? '' : instance.hello.sdkVersion,
  })
}

function describeRejected({ name, version, description, folder, providers, reason }: RejectedPackage): Plugin {
  return create(PluginSchema, { name, version, description, folder, providers, reason, state: PluginState.FAILED })
}

function describeChange({ kind, ...change }: Change): PluginChange {
  return create(PluginChangeSchema, { ...change, kind: kinds[kind] })
}

const states: Record<SupervisorState['kind'], PluginState> = {
  starting: PluginState.STARTING,
  ready: PluginState.READY,
  stopped: PluginState.STOPPED,
  closed: PluginState.STOPPED,
  failed: PluginState.FAILED,
  quarantined: PluginState.QUARANTINED,
}

const instanceStates: Record<InstanceState['kind'], PluginState> = {
  starting: PluginState.STARTING,
  ready: PluginState.READY,
  draining: PluginState.DRAINING,
  ended: PluginState.STOPPED,
}

const kinds: Record<Change['kind'], PluginChangeKind> = {
  unchanged: PluginChangeKind.UNCHANGED,
  added: PluginChangeKind.ADDED,
  upgraded: PluginChangeKind.UPGRADED,
  canary: PluginChangeKind.CANARY,
  removed: PluginChangeKind.REMOVED,
  failed: PluginChangeKind.FAILED,
}

function describeSecret(secret: SecretKeys): SecretKey[] {
  return Object.entries(secret).map(([name, key]) => {
    const { aliases = [], description = '' } = typeof key === 'object' ? key : {}
    return create(SecretKeySchema, { name, required: isRequired(key), aliases: [...aliases], description })
  })
}
