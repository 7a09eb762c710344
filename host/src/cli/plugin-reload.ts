import { toJson } from '@bufbuild/protobuf'
import { type PluginChange, PluginChangeKind, PluginChangeSchema } from '@mcm/sdk/contract'
import { type Command, InvalidArgumentError } from 'commander'
import { type ClientOptions, connect, deadline, withClientOptions } from './client.ts'
import { type Column, render } from './output.ts'

/** `mcm plugin reload`: a running host goes over to the plugins that are there now. */
export function addPluginReloadCommand(plugin: Command): void {
  withClientOptions(plugin.command('reload'), 60)
    .description(
      'have a running host load its plugins again, without failing a call; also starts quarantined ones. What "mcm plugin add" and "update" change, a host notices by itself',
    )
    .option(
      '--canary <share>',
      'give new versions a share of the calls first, such as 10%, and fall back when more fail',
      share,
    )
    .action(async (options: ReloadOptions) => await reload(options))
}

type ReloadOptions = ClientOptions & { canary?: number }

async function reload({ canary = 0, ...options }: ReloadOptions): Promise<void> {
  await using driver = await connect(options)
  const { changes } = await driver.reloadPlugins({ canaryPercent: canary }, deadline(options))
  if (options.output === 'json' || options.output === 'yaml') {
    const rows = changes.map((change) => toJson(PluginChangeSchema, change))
    console.log(render(rows, [], options.output))
  } else if (changes.length === 0) console.log('no plugins')
  else console.log(render(changes, columns, options.output))
  if (changes.some(({ kind }) => kind === PluginChangeKind.FAILED)) process.exitCode = 1
}

const columns: Column<PluginChange>[] = [
  { title: 'NAME', value: ({ name }) => name },
  { title: 'CHANGE', value: ({ kind }) => PluginChangeKind[kind]?.toLowerCase() ?? 'unknown' },
  { title: 'FROM', value: ({ fromVersion }) => fromVersion },
  { title: 'TO', value: ({ toVersion }) => toVersion },
  { title: 'REASON', value: ({ reason }) => reason.split('\n')[0] ?? '' },
]

function share(text: string): number {
  const value = Number(text.replace(/\s*%$/, ''))
  if (!(value > 0 && value < 100)) throw new InvalidArgumentError('It must be above 0% and below 100%.')
  return value
}
