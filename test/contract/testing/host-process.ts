import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { type ConnectedDriver, type ConnectOptions, connectDriver } from '@mcm/sdk/client'
import { vi } from 'vitest'
import { builtFile, checkout } from './built-program.ts'
import { EventList } from './event-list.ts'

// Each test here starts programs; on a machine that is busy that can take long, and being slow is no failure.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

/** How {@link startHost} starts a host. */
export interface HostOptions {
  /** Folders of plugins. */
  plugins?: string[]
  /** What the configuration file says beside that. */
  config?: Record<string, unknown>
  /** More arguments of `mcm serve`. */
  args?: string[]
  /** Where its socket is; default: a folder of its own. */
  socket?: string
  /** Another path of the project, from which it is run. */
  root?: string
  /** Folder in which it is started. */
  cwd?: string
  /** Environment variables that it has beside those of the test. */
  env?: Record<string, string>
  /** A descriptor that it has beside its output. */
  inherited?: number
}

export type LogEntry = { msg: string } & Record<string, unknown>

/** A running `mcm serve`. */
export interface HostProcess extends AsyncDisposable {
  process: ChildProcess
  pid: number
  endpoint: string
  socket: string
  /** `http://…` or `https://…` addresses. */
  http: string[]
  /** `http://…` addresses of probes. */
  probes: string[]
  /** gRPC addresses, the socket included. */
  grpc: string[]
  stdout: EventList<string>
  log: EventList<LogEntry>
  /** All that it printed to stderr, as it was. */
  stderr(): string
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  connect(options?: ConnectOptions): ConnectedDriver
  /** Asks it to end, and waits for that. */
  stop(): Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

/** Starts the built program and waits until it serves. Fails with what it printed when it does not. */
export async function startHost({
  plugins = [],
  config = {},
  args = [],
  socket,
  root = checkout,
  cwd,
  env,
  inherited,
}: HostOptions): Promise<HostProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'mcm-host-'))
  const path = socket ?? join(folder, 'host.sock')
  const file = join(folder, 'config.yaml')
  // JSON is YAML.
  await writeFile(
    file,
    JSON.stringify({ listen: [`unix://${path}`], pluginDirs: [], plugins, log: { level: 'debug' }, ...config }),
  )
  const isOwnNode = process.execPath.startsWith(`${checkout}/`)
  const node = isOwnNode ? join(root, relative(checkout, process.execPath)) : process.execPath
  const child = spawn(node, [builtFile('host/bin/mcm.js', root), 'serve', '--config', file, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'ignore', ...(inherited === undefined ? [] : [inherited])],
    ...(cwd && { cwd }),
    ...(env && { env: { ...process.env, ...env } }),
  })
  const stdout = new EventList<string>()
  const log = new EventList<LogEntry>()
  const raw: string[] = []
  const { stdout: printed, stderr: logged } = child
  if (!printed || !logged) throw new Error('both are pipes')
  createInterface({ input: printed }).on('line', (line) => stdout.add(line))
  createInterface({ input: logged }).on('line', (line) => {
    raw.push(line)
    if (line.startsWith('{')) log.add(JSON.parse(line) as LogEntry)
  })
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('close', (code, signal) => {
      const how = new Error(`the host ended with ${code ?? signal}:\n${raw.join('\n')}`)
      stdout.end(how)
      log.end(how)
      resolve({ code, signal })
    })
  })
  try {
    await log.first(({ msg }) => msg === 'host serving')
    const { grpc, http, probes } = (await log.first(({ msg }) => msg === 'host serving')) as unknown as Record<
      string,
      string[]
    >
    const count = [grpc, http, probes].flat().length
    await stdout.first(() => stdout.all.length === count)
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
  const stop = async () => {
    child.kill('SIGTERM')
    return await exited
  }
  const addresses = (protocol: string) =>
    stdout.all.flatMap((line) =>
      line.startsWith(`serving ${protocol} on `) ? [line.slice(`serving ${protocol} on `.length)] : [],
    )
  return {
    process: child,
    pid: child.pid ?? 0,
    endpoint: `unix://${path}`,
    socket: path,
    http: addresses('HTTP'),
    probes: addresses('probes'),
    grpc: addresses('gRPC'),
    stdout,
    log,
    stderr: () => raw.join('\n'),
    exited,
    connect: (options) => connectDriver(`unix://${path}`, options),
    stop,
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) await stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
