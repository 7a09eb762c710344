import { type Command, Option } from 'commander'
import { readConfig } from '../config/config.ts'
import { addPlugins, updatePlugins } from '../install/add-plugins.ts'
import { writeBundle } from '../install/bundle.ts'
import { type Change, type ChangeContext, removePlugins } from '../install/change-plugins.ts'
import { formatLockFile } from '../install/lock-file.ts'
import { consentFrom } from '../install/permissions.ts'
import { defaultPluginFolder, PluginFolder } from '../install/plugin-folder.ts'
import { chosen, verifyPlugins } from '../install/verify-plugins.ts'
import { askForConsent } from './ask-for-consent.ts'
import { CliError } from './cli-error.ts'
import { untilSignalled } from './until-signalled.ts'

/** `mcm plugin add`, `remove`, `update`, `verify` and `bundle`: change and check the plugins in a plugin folder. */
export function addPluginInstallCommands(plugin: Command): void {
  withConsent(withFolder(plugin.command('add <spec...>')))
    .description(
      'install plugins: from a registry (@acme/plugin, @acme/plugin@^1), a folder (./plugin), a tarball or a bundle (plugin.tgz)',
    )
    .action(async (specs: string[], options: ChangeOptions) => {
      const changes = await untilSignalled(async (signal) => {
        return await addPlugins(specs, process.cwd(), await contextOf(options, signal))
      })
      report(changes)
    })

  withFolder(plugin.command('remove <name...>'))
    .description('remove plugins, by package name')
    .action(async (names: string[], options: FolderOptions) => {
      const folder = new PluginFolder(options.pluginFolder)
      const choose: Parameters<typeof removePlugins>[1] = (locked) =>
        chosen(locked, names, folder).map(([name]) => name)
      report(await untilSignalled(async (signal) => await removePlugins(folder, choose, signal)))
    })

  withConsent(withFolder(plugin.command('update [name...]')))
    .description('get plugins again, by the specs in the lock file; permissions that were not granted need consent')
    .option('--dry-run', 'only tell what would change')
    .action(async (names: string[], { dryRun: isDryRun = false, ...options }: ChangeOptions & { dryRun?: boolean }) => {
      const changes = await untilSignalled(async (signal) => {
        return await updatePlugins(names, await contextOf(options, signal), { isDryRun })
      })
      if (isDryRun) for (const change of changes) console.log(describeUpdate(change))
      else report(changes)
    })

  withFolder(plugin.command('verify [name...]'))
    .description('compare the files of plugins with the lock file; exit status 1 where they differ')
    .action(async (names: string[], options: FolderOptions) => {
      for (const { name, entry, difference } of await verifyPlugins(new PluginFolder(options.pluginFolder), names)) {
        if (!difference) {
          console.log(`${name} ${entry.version} is as installed`)
          continue
        }
        process.exitCode = 1
        console.log(`${name} ${entry.version} differs from the lock file`)
        if (difference.problem) console.log(`  ${difference.problem}`)
        for (const kind of ['missing', 'changed', 'added'] as const) {
          for (const path of difference[kind]) console.log(`  ${kind.padEnd(7)} ${path}`)
        }
      }
    })

  withFolder(plugin.command('bundle [name...]'))
    .description('write plugins into one archive that "mcm plugin add" installs without a network and without npm')
    .requiredOption('-o, --output <file>', 'the archive, such as plugins.tgz')
    .action(async (names: string[], options: FolderOptions & { output: string }) => {
      if (!/\.(tgz|tar\.gz)$/.test(options.output)) throw new CliError('a bundle must be called .tgz or .tar.gz')
      const locked = await untilSignalled(async (signal) => {
        return await writeBundle(options.output, { folder: new PluginFolder(options.pluginFolder), names, signal })
      })
      const what = Object.entries(locked).map(([name, { version }]) => `${name} ${version}`)
      console.log(`${options.output} holds ${what.join(', ')}`)
    })
}

interface FolderOptions {
  pluginFolder: string
}

type ChangeOptions = FolderOptions & { config?: string; yes?: boolean; allow?: string[] }

function withFolder(command: Command): Command {
  const option = new Option('--plugin-folder <dir>', 'where the plugins are installed')
  return command.addOption(option.default(defaultPluginFolder()))
}

function withConsent(command: Command): Command {
  const collect = (value: string, previous: string[] = []) => [...previous, value]
  return command
    .option('--yes', 'grant all permissions that the plugins ask for')
    .option('--allow <kind:value>', 'grant one permission, such as net:api.acme.example (repeatable)', collect)
    .option('--config <file>', 'YAML configuration of the host, for its pluginPolicy')
}

async function contextOf(options: ChangeOptions, signal: AbortSignal): Promise<ChangeContext> {
  const { pluginPolicy: policy } = await readConfig(options.config)
  const folder = new PluginFolder(options.pluginFolder)
  return { folder, policy, signal, consent: consentFrom(options, askForConsent(signal)) }
}

function report(changes: readonly Change[]): void {
  for (const change of changes) console.log(describeUpdate(change))
  if (changes.some((change) => isChanged(change))) console.log('start the host again to make it count')
}

function isChanged({ name, before, after }: Change): boolean {
  if (!before || !after) return true
  return formatLockFile({ [name]: before }) !== formatLockFile({ [name]: after })
}

/** What became, or would become, of a plugin; with what a reviewer of the lock file would see. */
function describeUpdate(change: Change): string {
  const { name, before, after } = change
  if (!after) return `${name} ${before?.version ?? ''} removed`
  if (!before) {
    const granted = after.permissions.length > 0 ? `, may use ${after.permissions.join(', ')}` : ''
    return `${name} ${after.version} added: serves ${after.providers.join(', ')}${granted}`
  }
  if (!isChanged(change)) return `${name} ${after.version} is up to date`
  const version = before.version === after.version ? after.version : `${before.version} → ${after.version}`
  const details = [
    ...listChanges('provider', before.providers, after.providers),
    ...listChanges('permission', before.permissions, after.permissions),
    ...listChanges('dependency', before.dependencies, after.dependencies),
    ...(before.version === after.version && before.tree !== after.tree ? ['its files'] : []),
    ...(before.spec === after.spec ? [] : [`asked for as ${after.spec}`]),
  ]
  return [`${name} ${version}`, ...details.map((detail) => `  ${detail}`)].join('\n')
}

function listChanges(what: string, before: readonly string[], after: readonly string[]): string[] {
  return [
    ...before.filter((item) => !after.includes(item)).map((item) => `- ${what} ${item}`),
    ...after.filter((item) => !before.includes(item)).map((item) => `+ ${what} ${item}`),
  ]
}
