import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endpointGrant } from '../cloud/testing/grants.ts'
import { FakeEc2 } from '../fake-ec2/server.ts'
import { HostProcess } from '../quickstart/host-process.ts'

// npm run demo:aws: the life of a machine through host and AWS plugin, without an account. EC2 is one that runs in this
// process, in memory. Everything is gone at the end.

const root = fileURLToPath(new URL('../../', import.meta.url))
const mcm = join(root, 'host/bin/mcm.js')
const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort())

async function demo(signal: AbortSignal): Promise<void> {
  await using cleanup = new AsyncDisposableStack()
  const ec2 = cleanup.use(await FakeEc2.start())
  process.env.AWS_ENDPOINT_URL_EC2 = ec2.url
  process.env.AWS_ENDPOINT_URL_STS = ec2.url
  const folder = await mkdtemp(join(tmpdir(), 'mcm-demo-'))
  cleanup.defer(async () => await rm(folder, { recursive: true, force: true }))
  const config = join(folder, 'host.yaml')
  // JSON is YAML.
  await writeFile(config, JSON.stringify(endpointGrant))
  const host = await HostProcess.start(mcm, folder, signal, ['--config', config])
  cleanup.defer(async () => await host.stop())
  console.log(`An EC2 in memory serves ${ec2.url}, a host serves ${host.endpoint}.`)

  const show = async (...args: string[]) => {
    console.log(`\n$ mcm ${args.join(' ')}`)
    const before = ec2.actions.length
    const code = await mcmCommand([...args, '--endpoint', host.endpoint], signal)
    const requests = ec2.actions.slice(before)
    if (requests.length > 0) console.log(`  EC2 was asked: ${requests.join(', ')}`)
    if (code !== 0) throw new Error(`mcm ${args.join(' ')} ended with status ${code}`)
  }
  const files = ['-f', 'kubernetes/aws']
  await show('machine', 'create', ...files)
  await show('machine', 'create', ...files)
  console.log('  (again: it finds the VM that is there)')
  await show('machine', 'initialize', ...files)
  await show('machine', 'status', ...files, '-o', 'wide')
  await show('machine', 'list', ...files)
  await show('machine', 'delete', ...files)
  await show('machine', 'list', ...files)
}

/** Runs a command of the CLI, with its output shown. @returns Its exit status. */
async function mcmCommand(args: readonly string[], signal: AbortSignal): Promise<number> {
  const child = spawn(process.execPath, [mcm, ...args], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], signal })
  const [code] = await once(child, 'exit')
  return code ?? 1
}

await demo(interrupted.signal).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = interrupted.signal.aborted ? 130 : 1
})
