import { resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { readConfig } from '../config/config.ts'
import type { Log } from '../log.ts'
import type { PluginReloader } from '../routing/plugin-reloader.ts'
import { PluginSource } from './plugin-source.ts'
import { runHost } from './run-host.ts'

/** `mcm dev`: runs a host with a plugin from its source, which is built and loaded again after each save. */
export function addDevCommand(program: Command): void {
  program
    .command('dev')
    .argument('[folder]', 'folder of the plugin', '.')
    .description('run the host with a plugin that you work on: built and loaded again after each save')
    .option('--inspect [port]', 'let a debugger attach to the plugin, on loopback', port)
    .action(async (folder: string, options: DevOptions) => await dev(resolve(folder), options))
}

interface DevOptions {
  /** `true` without a port. */
  inspect?: number | true
}

async function dev(folder: string, { inspect }: DevOptions): Promise<void> {
  const source = new PluginSource(folder)
  const inspectPort = inspect === true ? nodesOwnPort : inspect
  const read = await readConfig(undefined, {
    plugins: [folder],
    pluginDirs: [],
    watchPlugins: false,
    lint: true,
    log: { level: 'debug', format: 'pretty' },
    // A plugin at a breakpoint gives no sign of life.
    ...(inspectPort !== undefined && { supervision: { stuckSeconds: aDay, abortGraceSeconds: aDay } }),
  })
  const config = { ...read, isolation: { ...read.isolation, ...(inspectPort !== undefined && { inspectPort }) } }
  const ending = new AbortController()
  // Before the build: what is saved during it is not lost.
  const saves = await source.watch(ending.signal)
  const isBuilt = await source.build(ending.signal)
  const { compose, tokens } = await import('../composition.ts')
  const container = await compose(config)
  const log = container.resolve(tokens.log)
  if (!isBuilt) log.error(`the build failed; save a file of ${folder} to try again`)
  if (inspectPort !== undefined) {
    log.warn(`a debugger may attach at 127.0.0.1:${inspectPort}: whoever can reach it can run code in the plugin`)
  }
  log.info(
    'the sandbox is on, as in production: what mcm.permissions of package.json does not ask for fails with ERR_ACCESS_DENIED',
  )
  const reloader = container.resolve(tokens.reloader)
  await runHost(container.resolve(tokens.host), 'http', async (signal) => {
    signal.addEventListener('abort', () => ending.abort())
    try {
      for await (const _ of saves) await loadAgain(source, reloader, log, signal)
    } catch (error) {
      if (!signal.aborted) throw error
    }
  })
}

async function loadAgain(source: PluginSource, reloader: PluginReloader, log: Log, signal: AbortSignal): Promise<void> {
  const startMs = performance.now()
  const isBuilt = await source.build(signal).catch((error: Error) => log.error(error.message))
  if (!isBuilt) return log.error('the build failed; what was loaded before goes on serving')
  for (const { name, kind, reason } of await reloader.reload()) {
    if (kind === 'failed') log.error(`${name} cannot be loaded; what was loaded before goes on serving: ${reason}`)
    else log.info(`${name} built and loaded in ${Math.round(performance.now() - startMs)} ms`)
  }
}

const nodesOwnPort = 9229
const aDay = 24 * 3600

function port(text: string): number {
  const value = Number(text)
  if (!(Number.isInteger(value) && value > 0 && value < 65_536)) throw new InvalidArgumentError('must be a port')
  return value
}
