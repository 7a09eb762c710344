import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Report } from '@mcm/sdk/conformance'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ensurePython } from '../env/python.ts'
import { pythonPackages } from './python-packages.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const fixture = (name: string) => join(root, 'test/fixtures/conformance', name)
let python: string
let folder: string
let descriptors: string
const running: ChildProcess[] = []

beforeAll(async () => {
  python = await ensurePython('python-grpc-1.85', pythonPackages, {
    signal: new AbortController().signal,
    confirm: async () => true,
    log: (line) => console.log(line),
  })
  folder = await mkdtemp('/tmp/mcm-python-')
  descriptors = join(folder, 'protos.binpb')
  execFileSync(join(root, 'node_modules/.bin/buf'), ['build', '-o', descriptors], { cwd: join(root, 'sdk/proto') })
})

afterAll(async () => {
  for (const child of running) {
    if (child.exitCode === null && child.kill('SIGKILL')) await once(child, 'exit')
  }
  await rm(folder, { recursive: true })
})

/** Judges a driver in Python, started with a flaw or without one. */
async function judge(...flaws: string[]): Promise<{ status: number | null; report: Report; people: string }> {
  const own = await mkdtemp(join(folder, 'driver-'))
  const endpoint = `unix://${join(own, 's.sock')}`
  const args = [fixture('driver.py'), descriptors, endpoint.replace('unix://', 'unix:'), own, ...flaws]
  const driver = spawn(python, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  running.push(driver)
  await once(driver.stdout, 'data')
  const file = join(own, 'report.json')
  const kit = [join(root, 'sdk/bin/mcm-conformance.js'), '--config', fixture('mcm-conformance.yaml')]
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...kit, '--endpoint', endpoint, '--output', 'json', '--report', file],
    { encoding: 'utf8', env: { ...process.env, FOLDER: own, PID: String(driver.pid) } },
  )
  expect(stderr).toBe('')
  const { default: report } = (await import(file, { with: { type: 'json' } })) as { default: Report }
  return { status, report, people: stdout }
}

describe('a driver in Python, judged at its endpoint', () => {
  it('is conformant', async () => {
    const { status, report } = await judge()
    const failed = report.results.filter(({ kind }) => kind !== 'passed' && kind !== 'skipped')
    expect(failed).toEqual([])
    expect(report).toMatchObject({ verdict: 'conformant', profile: 'core', provider: 'python' })
    const passed = report.results.filter(({ kind }) => kind === 'passed').map(({ id }) => id)
    expect(passed).toEqual(
      expect.arrayContaining([
        'create-repeated',
        'list-holds-created',
        'restart-keeps-identity',
        'class-invalid-paths',
      ]),
    )
    expect(passed).not.toContain('volumes-known')
    expect(status).toBe(0)
  })

  it('that lists its neighbours is not, and is told why', async () => {
    const { status, report, people } = await judge('neighbours')
    const failed = report.results.filter(({ kind }) => kind !== 'passed' && kind !== 'skipped')
    expect(failed.map(({ id }) => id)).toEqual(['list-excludes-other-cluster'])
    expect(people).toContain('source       driver contract, ListMachines: lists the VMs of the cluster')
    expect(people).toContain('came back    {"machineList":{"python:///')
    expect(people).toContain('NOT CONFORMANT: unix://')
    expect(people).not.toContain('not-for-you')
    expect(status).toBe(1)
  })
})
