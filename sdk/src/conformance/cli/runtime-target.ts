import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Target } from '../target.ts'
import { describePlugin, loadClient } from './endpoint-target.ts'
import { SetupError } from './setup-error.ts'

type ConnectedDriver = import('../../client/driver-client.ts').ConnectedDriver

/** A plugin of a folder, run by the real host as a process of its own, which belongs to the target. */
export async function runtimeTarget(
  folder: string,
  tempFolder: string,
  signal: AbortSignal,
): Promise<Target & { close(): Promise<void> }> {
  const plugin = resolve(folder)
  const program = await findHost(plugin)
  const { connectDriver } = await loadClient()
  const socket = join(tempFolder, 'host.sock')
  const lines: string[] = []
  let host: ChildProcess | undefined
  let driver: ConnectedDriver | undefined
  const stop = async () => {
    driver?.close()
    if (host) await end(host)
    host = undefined
  }
  const start = async () => {
    host = await serve(program, plugin, socket, lines, signal)
    driver = connectDriver(`unix://${socket}`)
  }
  const integrity = packageIntegrity(plugin, signal)
  await start()
  return {
    get driver() {
      if (!driver) throw new Error('the host does not run')
      return driver
    },
    place: plugin,
    describe: async (provider, signal) => {
      const description = driver && (await describePlugin(driver, provider, signal))
      const digest = await integrity
      return description && { ...description, ...(digest !== undefined && { integrity: digest }) }
    },
    logLines: () => lines,
    restart: async () => {
      await stop()
      await start()
    },
    close: stop,
  }
}

/** The digest of what npm would publish, so that a verdict tells of which files it is. Unknown where npm cannot say. */
async function packageIntegrity(plugin: string, signal: AbortSignal): Promise<string | undefined> {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts']
  const text = await new Promise<string>((resolve) => {
    execFile('npm', args, { cwd: plugin, signal, timeout: startMs }, (_, stdout) => resolve(stdout))
  })
  try {
    const [packed] = JSON.parse(text) as { integrity?: string }[]
    return packed?.integrity
  } catch {
    return undefined
  }
}

/** The program `mcm` of the host that the plugin has as a development dependency. */
async function findHost(plugin: string): Promise<string> {
  try {
    const manifest = createRequire(join(plugin, 'package.json')).resolve('@mcm/host/package.json')
    const { bin } = JSON.parse(await readFile(manifest, 'utf8')) as { bin: { mcm: string } }
    return join(dirname(manifest), bin.mcm)
  } catch (error) {
    const why = (error as { code?: string }).code === 'MODULE_NOT_FOUND' ? '' : ` (${(error as Error).message})`
    throw new SetupError(
      `@mcm/host is not installed for ${plugin}${why}; a plugin is judged through the real host: npm i --save-dev @mcm/host\n` +
        'A driver that runs already is judged with --endpoint.',
    )
  }
}

async function serve(
  program: string,
  plugin: string,
  socket: string,
  lines: string[],
  signal: AbortSignal,
): Promise<ChildProcess> {
  const args = [
    'serve',
    '--plugin',
    plugin,
    '--listen',
    `unix://${socket}`,
    '--log-level',
    'debug',
    '--log-format',
    'json',
  ]
  // A group of its own: Ctrl-C is for the kit, which needs the host to clean up.
  const host = spawn(process.execPath, [program, ...args], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const killAtExit = () => host.kill('SIGKILL')
  process.once('exit', killAtExit)
  host.once('exit', () => process.off('exit', killAtExit))
  const first = lines.length
  const { promise: serving, resolve: isServing, reject } = Promise.withResolvers<void>()
  createInterface(host.stderr).on('line', (line) => lines.push(line))
  createInterface(host.stdout).on('line', (line) => {
    lines.push(line)
    if (line.startsWith('serving gRPC on ')) isServing()
  })
  host.once('error', (error) => reject(new SetupError(`the host cannot be started: ${error.message}`)))
  host.once('close', () => {
    reject(new SetupError(`the host ended at its start:\n${lines.slice(first).slice(-20).join('\n')}`))
  })
  const patience = AbortSignal.any([signal, AbortSignal.timeout(startMs)])
  const onAbort = () => {
    const why = signal.aborted ? 'stopped before the host served' : `the host did not serve within ${startMs / 1000} s`
    reject(new SetupError([`${why}:`, ...lines.slice(-20)].join('\n')))
  }
  patience.addEventListener('abort', onAbort, { once: true })
  try {
    await serving
    return host
  } catch (error) {
    host.kill('SIGKILL')
    throw error
  } finally {
    patience.removeEventListener('abort', onAbort)
  }
}

async function end(host: ChildProcess): Promise<void> {
  if (host.exitCode !== null || host.signalCode !== null) return
  const exited = once(host, 'exit')
  host.kill('SIGTERM')
  const timer = setTimeout(() => host.kill('SIGKILL'), stopMs)
  await exited
  clearTimeout(timer)
}

const startMs = 60_000
const stopMs = 10_000
