import { type Command, Option } from 'commander'
import { readConfig } from '../config/config.ts'
import { addPlugins, updatePlugins } from '../install/add-plugins.ts'
import { writeBundle } from '../install/bundle.ts'
import { type Change, type ChangeContext, removePlugins } from '../install/change-plugins.ts'
import { describeProof } from '../install/describe-origin.ts'
import { installLocked } from '../install/install-locked.ts'
import { dependenciesOf, formatLockFile, integrityPattern } from '../install/lock-file.ts'
import { consentFrom } from '../install/permissions.ts'
import { defaultPluginFolder, PluginFolder } from '../install/plugin-folder.ts'
import { chosen, verifyPlugins } from '../install/verify-plugins.ts'
import { askForConsent } from './ask-for-consent.ts'
import { CliError } from './cli-error.ts'
import { configOption } from './local-host.ts'
import { untilSignalled } from './until-signalled.ts'

/** `mcm plugin add`, `install`, `remove`, `update`, `verify` and `bundle`: change and check the plugins in a plugin folder. */
export function addPluginInstallCommands(plugin: Command): void {
  withConsent(withFolder(plugin.command('add <spec...>')))
    .description(
      'install plugins: from a registry (@acme/plugin, @acme/plugin@^1), a folder (./plugin), a tarball or a bundle (plugin.tgz)',
    )
    .option('--integrity <sha512>', 'what the tarball of the one plugin has to be, such as sha512-…')
    .action(async (specs: string[], { integrity, ...options }: ChangeOptions & { integrity?: string }) => {
      if (integrity !== undefined && specs.length > 1)
        throw new CliError('--integrity is for one plugin; add them one by one')
      if (integrity !== undefined && !integrityPattern.test(integrity)) {
        throw new CliError(
          '--integrity wants the sha512 of the tarball as npm writes it: sha512- and 88 characters of base64',
        )
      }
      const changes = await untilSignalled(async (signal) => {
        const pin = integrity === undefined ? {} : { integrity }
        return await addPlugins(specs, process.cwd(), await contextOf(options, signal), pin)
      })
      report(changes)
    })

  withPolicy(withFolder(plugin.command('install')))
    .description(
      'install exactly what the lock file in the plugin folder names, and leave it as it is; for a lock file that was reviewed',
    )
    .option('--bundle <file>', 'take the plugins from a bundle, as far as it has them')
    .action(async (options: PolicyOptions & { bundle?: string }) => {
      const installed = await untilSignalled(async (signal) => {
        const { pluginPolicy: policy } = await readConfig(options.config)
        return await installLocked({ folder: new PluginFolder(options.pluginFolder), policy, signal }, options)
      })
      for (const { name, version, isNew } of installed) {
        console.log(`${name} ${version} ${isNew ? 'installed' : 'is there already'}`)
      }
      if (installed.some(({ isNew }) => isNew)) console.log(takenOver)
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
      if (changes.length === 0) console.log(`no plugin is installed in ${options.pluginFolder}`)
      if (isDryRun) for (const change of changes) console.log(describeUpdate(change))
      else report(changes)
    })

  withFolder(plugin.command('verify [name...]'))
    .description('compare the files of plugins with the lock file; exit status 1 where they differ')
    .action(async (names: string[], options: FolderOptions) => {
      const verdicts = await verifyPlugins(new PluginFolder(options.pluginFolder), names)
      if (verdicts.length === 0) console.log(`no plugin is installed in ${options.pluginFolder}`)
      for (const { name, entry, difference } of verdicts) {
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

type PolicyOptions = FolderOptions & { config?: string }

type ChangeOptions = PolicyOptions & { yes?: boolean; allow?: string[] }

function withFolder(command: Command): Command {
  const option = new Option('--plugin-folder <dir>', 'where the plugins are installed')
  return command.addOption(option.default(defaultPluginFolder()))
}

function withConsent(command: Command): Command {
  const collect = (value: string, previous: string[] = []) => [...previous, value]
  return withPolicy(command)
    .option('--yes', 'grant all permissions that the plugins ask for')
    .option('--allow <kind:value>', 'grant one permission, such as net:api.acme.example (repeatable)', collect)
}

function withPolicy(command: Command): Command {
  return command.addOption(configOption('YAML configuration of the host, for its pluginPolicy'))
}

async function contextOf(options: ChangeOptions, signal: AbortSignal): Promise<ChangeContext> {
  const { pluginPolicy: policy } = await readConfig(options.config)
  const folder = new PluginFolder(options.pluginFolder)
  return { folder, policy, signal, consent: consentFrom(options, askForConsent(signal)) }
}

function report(changes: readonly Change[]): void {
  for (const change of changes) console.log(describeUpdate(change))
  for (const { name, after, notes = [] } of changes) {
    for (const note of notes) console.error(`note on ${name} ${after?.version}: ${note}`)
  }
  if (changes.some((change) => isChanged(change))) console.log(takenOver)
}

const takenOver = 'a host that watches this folder takes it over by itself; others with "mcm plugin reload"'

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
    const added = `${name} ${after.version} added: serves ${after.providers.join(', ')}${granted}`
    // What comes from one's own disk has nobody to sign it.
    return after.source === 'registry' ? `${added}\n  ${describeProof(after)}` : added
  }
  if (!isChanged(change)) return `${name} ${after.version} is up to date`
  const version = before.version === after.version ? after.version : `${before.version} → ${after.version}`
  const details = [
    ...listChanges('provider', before.providers, after.providers),
    ...listChanges('permission', before.permissions, after.permissions),
    ...listChanges('dependency', dependenciesOf(name, before), dependenciesOf(name, after)),
    ...(before.version === after.version && before.tree !== after.tree ? ['its files'] : []),
    ...(describeProof(before) === describeProof(after) ? [] : [describeProof(after)]),
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
