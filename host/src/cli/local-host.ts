import { type Command, Option } from 'commander'
import { readConfig } from '../config/config.ts'
import type { Services } from '../contract/grpc-server.ts'

/** Where a command finds plugins when it asks no host. */
export interface LocalOptions {
  config?: string
  plugin?: string[]
  pluginDir?: string[]
}

/** Adds the options of {@link LocalOptions} to a command. */
export function withLocalOptions(command: Command): Command {
  const collect = (value: string, previous: string[] = []) => [...previous, value]
  return command
    .addOption(configOption('YAML configuration of the host'))
    .option('--plugin <package>', 'plugin, by package name or folder (repeatable)', collect)
    .option(
      '--plugin-dir <folder>',
      'folder with plugins (repeatable; default: node_modules beside the host, and where "mcm plugin add" installs)',
      collect,
    )
}

/** Names the configuration file of a host. */
export function configOption(description: string): Option {
  return new Option('--config <file>', description).env('MCM_CONFIG')
}

/** Runs something with a host in this process that listens nowhere, and stops its plugins afterwards. */
export async function withLocalHost<T>(
  { config, plugin, pluginDir }: LocalOptions,
  use: (services: Services) => Promise<T>,
): Promise<T> {
  // What a command finds out it prints itself; the log would only repeat it.
  const log = { level: 'silent' }
  // Loaded only when it is needed: commands that just call a host start twice as fast without it.
  const { compose, tokens } = await import('../composition.ts')
  const container = await compose(await readConfig(config, { plugins: plugin, pluginDirs: pluginDir, log }))
  const { supervisors } = container.resolve(tokens.routes)
  try {
    await Promise.allSettled(supervisors.map((supervisor) => supervisor.start()))
    return await use(container.resolve(tokens.services))
  } finally {
    await Promise.all(supervisors.map((supervisor) => supervisor.close(2000)))
  }
}
