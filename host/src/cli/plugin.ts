import { toJson } from '@bufbuild/protobuf'
import { MachineError } from '@mcm/sdk'
import { type Plugin, type PluginFailure, type PluginInstance, PluginSchema } from '@mcm/sdk/contract'
import type { Command } from 'commander'
import { stringify } from 'yaml'
import { defaultEndpoint } from '../config/default-endpoint.ts'
import { describeOrigin } from '../install/describe-origin.ts'
import { permissionTexts } from '../install/permissions.ts'
import type { Permissions } from '../plugins/permissions.ts'
import { CliError } from './cli-error.ts'
import { type ClientOptions, connect, deadline, withClientOptions } from './client.ts'
import { type LocalOptions, withLocalHost, withLocalOptions } from './local-host.ts'
import { type Column, render } from './output.ts'
import { addPluginInstallCommands } from './plugin-install.ts'
import { addPluginReloadCommand } from './plugin-reload.ts'
import { memory, percent, stateName, stateOf } from './plugin-state.ts'

/** `mcm plugin …`: shows the plugins of a running host or, without one, those that a host would load here; installs them. */
export function addPluginCommands(program: Command): void {
  const plugin = program.command('plugin').description('show and install plugins')
  const note =
    'Asks the host at --endpoint. Without one, or with --local, looks at the plugins that are installed here.'
  for (const [name, description] of [
    ['list', 'list all plugins with their state'],
    ['show <name>', 'show one plugin, by package or provider name: capabilities, permissions, secret keys, schema'],
  ] as const) {
    const command = withLocalOptions(withClientOptions(plugin.command(name).description(`${description}. ${note}`), 5))
    command.option('--local', 'do not ask a host')
    if (name === 'list') command.action(async (options: PluginOptions) => await list(options))
    else command.action(async (wanted: string, options: PluginOptions) => await show(wanted, options))
  }
  addPluginInstallCommands(plugin)
  addPluginReloadCommand(plugin)
}

type PluginOptions = ClientOptions & LocalOptions & { local?: boolean }

const columns: Column<Plugin>[] = [
  { title: 'NAME', value: ({ name }) => name },
  { title: 'VERSION', value: ({ version }) => version },
  { title: 'PROVIDERS', value: ({ providers }) => providers.join(', ') },
  // A plugin that fails to load has a trace, which `plugin show` has room for.
  { title: 'STATE', value: (plugin) => stateOf(plugin).split('\n')[0] ?? '' },
  { title: 'PID', value: ({ pid }) => pid || '' },
  { title: 'MEM', value: ({ memoryBytes }) => memory(memoryBytes) },
  { title: 'CALLS', value: ({ calls }) => calls },
  { title: 'ERRORS', value: ({ errors }) => errors },
  { title: 'RESTARTS', value: ({ restarts }) => restarts },
  { title: 'CAPABILITIES', value: ({ capabilities }) => capabilities.join(', '), isWide: true },
  { title: 'FOLDER', value: ({ folder }) => folder, isWide: true },
]

// Only where there is one: it takes much room.
const lastFailureColumn: Column<Plugin> = {
  title: 'LAST FAILURE',
  value: ({ lastFailure }) =>
    lastFailure ? `${lastFailure.time.slice(0, 19)}Z ${lastFailure.cause.split('\n')[0]}` : '',
}

// Only where there are any: most plugins ask for all that they need.
const grantedColumn: Column<Plugin> = {
  title: 'GRANTED',
  value: ({ grantedPermissions }) => permissionTexts(grantedPermissions as Permissions | undefined).join(', '),
}

async function list(options: PluginOptions): Promise<void> {
  const { plugins, isLocal } = await fetchPlugins(options)
  if (options.output === 'json' || options.output === 'yaml') {
    console.log(
      render(
        plugins.map((plugin) => toJson(PluginSchema, plugin)),
        [],
        options.output,
      ),
    )
  } else if (plugins.length === 0) {
    console.log('no plugins; install one, for example: mcm plugin add @mcm/plugin-fake')
  } else {
    // Only here: a running host may be elsewhere, or may have read another lock file.
    const origins = isLocal ? await Promise.all(plugins.map(({ folder }) => describeOrigin(folder))) : []
    const failed: Column<Plugin>[] = plugins.some(({ lastFailure }) => lastFailure) ? [lastFailureColumn] : []
    const granted: Column<Plugin>[] = plugins.some((one) => one.grantedPermissions) ? [grantedColumn] : []
    const from: Column<Plugin> = { title: 'FROM', value: (plugin) => origins[plugins.indexOf(plugin)] ?? '' }
    console.log(render(plugins, [...columns, ...granted, ...failed, ...(isLocal ? [from] : [])], options.output))
  }
}

async function show(wanted: string, options: PluginOptions): Promise<void> {
  const { plugins, isLocal } = await fetchPlugins(options)
  const plugin = plugins.find(({ name, providers }) => name === wanted || providers.includes(wanted))
  if (!plugin) {
    const have = plugins.map(({ name }) => name).join(', ') || 'none'
    throw new CliError(`no plugin ${JSON.stringify(wanted)} (there are: ${have})`)
  }
  if (options.output === 'json') return console.log(JSON.stringify(toJson(PluginSchema, plugin), null, 2))
  if (options.output === 'yaml') return console.log(stringify(toJson(PluginSchema, plugin)).trimEnd())
  const secretKeys = plugin.secretKeys.map(({ name, required, aliases, description }) => {
    const or = aliases.length > 0 ? `, or ${aliases.join(', ')}` : ''
    return [`${name}${or}`, `${required ? 'required' : 'optional'}${description && `: ${description}`}`]
  })
  console.log(
    stringify({
      name: plugin.name,
      version: plugin.version,
      description: plugin.description,
      providers: plugin.providers,
      state: stateOf(plugin),
      ...(plugin.instances.length > 0 && { instances: plugin.instances.map(describeInstance) }),
      ...(plugin.lastFailure && { lastFailure: describeFailure(plugin.lastFailure) }),
      folder: plugin.folder,
      ...(isLocal && { from: await describeOrigin(plugin.folder) }),
      capabilities: plugin.capabilities,
      permissions: plugin.permissions ?? 'none',
      ...(plugin.grantedPermissions && { granted: plugin.grantedPermissions }),
      secret: Object.fromEntries(secretKeys),
      providerSpec: plugin.providerSpecSchema ?? 'unknown',
    }).trimEnd(),
  )
}

function describeInstance(instance: PluginInstance): object {
  const { id, version, state, reason, pid, memoryBytes, calls, errors, running, canaryPercent, sdkVersion, tree } =
    instance
  return {
    id,
    version,
    state: reason === '' ? stateName(state) : `${stateName(state)}: ${reason}`,
    ...(canaryPercent > 0 && { canary: percent(canaryPercent) }),
    ...(sdkVersion !== '' && { sdk: sdkVersion }),
    ...(tree !== '' && { tree }),
    ...(pid > 0 && { pid }),
    ...(memoryBytes > 0 && { memory: memory(memoryBytes) }),
    calls,
    errors,
    running,
  }
}

function describeFailure({ time, cause, lastLines }: PluginFailure): object {
  return { time, cause, ...(lastLines.length > 0 && { lastLines }) }
}

async function fetchPlugins(options: PluginOptions): Promise<{ plugins: Plugin[]; isLocal: boolean }> {
  if (!options.local) {
    try {
      await using driver = await connect(options)
      const { plugins } = await driver.listPlugins(deadline(options))
      return { plugins, isLocal: false }
    } catch (error) {
      const isAway = MachineError.is(error) && error.reason === 'HOST_UNREACHABLE'
      // Whoever names a host wants to know about that one.
      if (!isAway || options.endpoint !== defaultEndpoint()) throw error
      console.error(`${error.message}; these plugins are installed here:`)
    }
  }
  const { plugins } = await withLocalHost(options, async ({ plugins }) => plugins.list())
  // They have been stopped again.
  return { plugins: plugins.map((plugin) => ({ ...plugin, pid: 0, memoryBytes: 0, instances: [] })), isLocal: true }
}
