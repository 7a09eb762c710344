import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { HostProcess } from '../quickstart/host-process.ts'

/** The project. */
export const root = fileURLToPath(new URL('../../', import.meta.url))
const mcm = join(root, 'host/bin/mcm.js')

/** A cloud in this process, and where its samples are. */
export interface DemoCloud {
  name: string
  url: string
  /** The folder in which commands run. */
  cwd: string
  /** What it was asked, in order. */
  actions: readonly string[]
  /** What the host's configuration says of its endpoints. */
  config: object
}

/** Runs a command of the CLI, with its output shown, and says what the cloud was asked for it. */
export type Show = (...args: string[]) => Promise<void>

/** Shows the life of a machine through a host and the plugin of a cloud. Everything is gone at the end. */
export async function demonstrate(
  start: (cleanup: AsyncDisposableStack, folder: string) => Promise<DemoCloud>,
  life: (show: Show) => Promise<void>,
): Promise<void> {
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort())
  const { signal } = interrupted
  try {
    await using cleanup = new AsyncDisposableStack()
    const folder = await mkdtemp(join(tmpdir(), 'mcm-demo-'))
    cleanup.defer(async () => await rm(folder, { recursive: true, force: true }))
    const cloud = await start(cleanup, folder)
    const config = join(folder, 'host.yaml')
    // JSON is YAML.
    await writeFile(config, JSON.stringify(cloud.config))
    const host = await HostProcess.start(mcm, folder, signal, ['--config', config])
    cleanup.defer(async () => await host.stop())
    console.log(`${cloud.name}, in memory, serves ${cloud.url}; a host serves ${host.endpoint}.`)
    await life(async (...args) => {
      console.log(`\n$ mcm ${args.join(' ')}`)
      const before = cloud.actions.length
      const whole = [mcm, ...args, '--endpoint', host.endpoint]
      const child = spawn(process.execPath, whole, { cwd: cloud.cwd, stdio: ['ignore', 'inherit', 'inherit'], signal })
      const [code] = await once(child, 'exit')
      const requests = cloud.actions.slice(before)
      if (requests.length > 0) console.log(`  ${cloud.name} was asked: ${requests.join(', ')}`)
      if (code !== 0) throw new Error(`mcm ${args.join(' ')} ended with status ${code}`)
    })
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = signal.aborted ? 130 : 1
  }
}
