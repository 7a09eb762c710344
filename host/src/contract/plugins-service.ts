import { create } from '@bufbuild/protobuf'
import type { JsonObject, SecretKeys } from '@mcm/sdk'
import {
  isRequired,
  type ListPluginsResponse,
  ListPluginsResponseSchema,
  methodName,
  type Plugin,
  PluginSchema,
  PluginState,
  type SecretKey,
  SecretKeySchema,
} from '@mcm/sdk/contract'
import type { RejectedPackage } from '../plugins/plugin-package.ts'
import type { InstanceState, PluginInstance } from '../runtime/plugin-instance.ts'
import { inputSchema } from '../schema/input-schema.ts'

/** What the Plugins service answers: all plugins of the host, also those that cannot be used. */
export function listPlugins(
  instances: readonly PluginInstance[],
  rejected: readonly RejectedPackage[],
): ListPluginsResponse {
  const plugins = [...instances.map(describeInstance), ...rejected.map(describeRejected)]
  return create(ListPluginsResponseSchema, { plugins: plugins.sort((a, b) => a.name.localeCompare(b.name)) })
}

function describeInstance(instance: PluginInstance): Plugin {
  const { plugin, hello, state, pid, figures } = instance
  const { permissions } = plugin.manifest
  return create(PluginSchema, {
    name: plugin.name,
    version: plugin.version,
    description: plugin.description,
    providers: plugin.manifest.providers,
    capabilities: hello?.capabilities.map(methodName) ?? [],
    ...(permissions && { permissions: { ...permissions } as JsonObject }),
    ...(hello && { providerSpecSchema: inputSchema(hello.providerSpec), secretKeys: describeSecret(hello.secret) }),
    state: states[state.kind],
    reason: 'reason' in state ? state.reason : '',
    folder: plugin.folder,
    pid: pid ?? 0,
    ...figures,
  })
}

function describeRejected({ name, version, description, folder, providers, reason }: RejectedPackage): Plugin {
  return create(PluginSchema, { name, version, description, folder, providers, reason, state: PluginState.FAILED })
}

const states: Record<InstanceState['kind'], PluginState> = {
  starting: PluginState.STARTING,
  ready: PluginState.READY,
  stopped: PluginState.STOPPED,
  closed: PluginState.STOPPED,
  failed: PluginState.FAILED,
}

function describeSecret(secret: SecretKeys): SecretKey[] {
  return Object.entries(secret).map(([name, key]) => {
    const { aliases = [], description = '' } = typeof key === 'object' ? key : {}
    return create(SecretKeySchema, { name, required: isRequired(key), aliases: [...aliases], description })
  })
}
