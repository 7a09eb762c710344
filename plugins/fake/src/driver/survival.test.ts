import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { loadPlugin } from '@mcm/sdk/testing'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import plugin from '../index.ts'
import { ofMachine, specWith } from '../testing/requests.ts'
import { scratchCloud } from '../testing/scratch-cloud.ts'

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'mcm-fake-driver-'))
const program = join(folder, 'driver-process.js')
// From the sources, so that no build is needed before it.
beforeAll(async () => {
  await build({
    entryPoints: [source('../testing/driver-process.ts')],
    outfile: program,
    bundle: true,
    format: 'esm',
    platform: 'node',
    alias: {
      '@mcm/sdk': source('../../../../sdk/src/index.ts'),
      '@mcm/sdk/testing': source('../../../../sdk/src/testing/index.ts'),
    },
  })
})
afterAll(() => rmSync(folder, { recursive: true }))

const signal = AbortSignal.timeout(60_000)

/** A process that runs createMachine. */
function startDriver(endpoint: string, name: string) {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, endpoint, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  const ended = once(child, 'exit', { signal })
  return { child, ended, output: text(child.stdout) }
}

async function killed({ child, ended }: { child: ChildProcess; ended: Promise<unknown> }) {
  child.kill('SIGKILL')
  await ended
}

async function until(isSo: () => Promise<boolean>) {
  while (!(await isSo())) {
    signal.throwIfAborted()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

it.each([
  ['before the cloud made the VM', false, 0],
  ['after the cloud made the VM', true, 1],
])('has one VM when the process is killed %s and createMachine is called again', async (_, afterExecution, made) => {
  const { endpoint, control } = await scratchCloud()
  await control.inject({ on: 'createInstance', delayMs: 3_600_000, afterExecution })
  const driver = startDriver(endpoint, 'worker-1')
  await until(async () => (await control.faults()).length === 0 && (await control.instances()).length === made)
  await killed(driver)
  expect(await control.instances()).toHaveLength(made)

  await using own = loadPlugin(plugin)
  const vm = await own.call('createMachine', ofMachine(specWith({ endpoint }), 'worker-1'), { signal })
  expect(await control.instances()).toMatchObject([{ id: vm.providerID.split('/').at(-1), name: 'worker-1' }])
})

it('shows several processes the same cloud: they all get the one VM', async () => {
  const { endpoint, control } = await scratchCloud()
  const outputs = await Promise.all(Array.from({ length: 3 }, () => startDriver(endpoint, 'worker-1').output))
  expect(new Set(outputs).size).toBe(1)
  expect(outputs[0]).toMatch(/^fake:\/\/\/eu-1\/i-[0-9a-f]{16}\n$/)
  expect(await control.instances()).toHaveLength(1)
})

it('opens a new cloud from several processes at once', async () => {
  const { endpoint, control } = await scratchCloud()
  const names = ['a', 'b', 'c']
  // A file that nobody has opened yet, so that all of them set it up.
  const fresh = new URL('fresh.db', endpoint).href
  const outputs = await Promise.all(names.map((name) => startDriver(fresh, name).output))
  expect(new Set(outputs).size).toBe(3)
  expect(await control.instances()).toEqual([])
})
