import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Report } from '@mcm/sdk/conformance'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { controlCloud } from '../../plugins/fake/src/cloud/index.ts'
import { main } from '../../sdk/src/conformance/cli/main.ts'
import { builtFile } from '../contract/testing/built-program.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcm-kit-'))
})
afterAll(async () => await rm(folder, { recursive: true }))

function start(args: string[]): ChildProcess {
  builtFile('sdk/dist/conformance/cli/main.js')
  builtFile('host/bin/mcm.js')
  // What it leaves behind, were it to leave something, is found here.
  const env = { ...process.env, TMPDIR: folder }
  return spawn(process.execPath, [join(root, 'sdk/bin/mcm-conformance.js'), ...args], {
    cwd: join(root, 'plugins/fake'),
    env,
    stdio: 'pipe',
  })
}

async function run(args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = start(args)
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (chunk: string) => {
      texts[name] += chunk
    })
  }
  const [code] = (await once(child, 'close')) as [number]
  return { code, ...texts }
}

/** A configuration for plugin-fake whose cloud outlives the run. */
async function fakeConfig(more: object = {}): Promise<{ file: string; endpoint: string }> {
  const endpoint = `file://${join(folder, `${Math.random()}.db`)}`
  const file = join(folder, `${Math.random()}.json`)
  const sample = (name: string) => join(root, 'kubernetes/fake', name)
  const config = {
    machineClass: sample('machine-class.yaml'),
    secret: sample('secret.yaml'),
    providerSpec: { endpoint },
    ...more,
  }
  await writeFile(file, JSON.stringify(config))
  return { file, endpoint }
}

describe('mcm-conformance', () => {
  it('finds plugin-fake conformant, in all of it, through the real host', async () => {
    const file = join(folder, 'report.json')
    const { code, stdout, stderr } = await run(['--output', 'json', '--report', file])
    const report = JSON.parse(await readFile(file, 'utf8')) as Report
    const notPassed = report.results.filter(({ kind }) => kind !== 'passed')
    expect({ notPassed, stderr }).toEqual({ notPassed: [], stderr: '' })
    expect(report).toMatchObject({
      verdict: 'conformant',
      profile: 'full',
      contractVersion: 1,
      provider: 'fake',
      driver: {
        name: '@mcm/plugin-fake',
        version: '0.1.0',
        sdkVersion: '0.1.0',
        integrity: expect.stringMatching(/^sha512-/),
      },
      missing: [],
    })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ok {7}plugin-listed/)
    expect(stdout).toContain('CONFORMANT: @mcm/plugin-fake 0.1.0 (provider fake), contract 1, profile full')
    expect(stdout).not.toContain('not-a-secret')
    expect(report.ms).toBeLessThan(30_000)
  })

  it('deletes what it has made at Ctrl-C, and ends its host', async () => {
    const { file, endpoint } = await fakeConfig({ limits: { listed: 200, atOnce: 1 } })
    const before = new Set(await readdir(folder))
    const child = start(['--config', file, '--case', 'list-pages'])
    const cloud = await controlCloud(endpoint)
    const living = async () =>
      (await cloud.instances()).filter(({ state }) => state === 'pending' || state === 'running').length
    const stdout: string[] = []
    if (child.stdout) createInterface(child.stdout).on('line', (line) => stdout.push(line))
    while ((await living()) < 3) expect(child.exitCode).toBeNull()
    child.kill('SIGINT')
    const [code] = (await once(child, 'close')) as [number]
    expect(await living()).toBe(0)
    cloud.close()
    expect(stdout.join('\n')).toContain('INCOMPLETE')
    expect(code).toBe(3)
    const left = (await readdir(folder)).filter((name) => !before.has(name) && name.startsWith('mcm-conformance-'))
    expect(left).toEqual([])
  })

  it.each([
    ['an option that there is not', ['--nope'], /Unknown option '--nope'/],
    ['a case that there is not', ['--case', 'nope'], /--case nope: there is no such one; there are plugin-listed, /],
    ['a folder without a configuration', ['/'], /^\/ has no mcm-conformance.yaml/],
    ['an endpoint that is none', ['--endpoint', 'nowhere'], /"nowhere" is no endpoint/],
    ['an endpoint where nobody is', ['--endpoint', 'unix:///nobody.sock'], /no host answers at unix:\/\/\/nobody.sock/],
    [
      'a certificate without its key',
      ['--endpoint', 'h:1', '--tls-ca', 'a', '--tls-cert', 'b'],
      /--tls-key go together/,
    ],
    ['a plugin without a host', [tmpdir()], /@mcm\/host is not installed for .*: npm i --save-dev @mcm\/host/],
  ])('ends with 2 for %s', async (_, args, text) => {
    const { file } = await fakeConfig()
    const said = vi.spyOn(console, 'error').mockReturnValue()
    const config = args[0] === '/' || args[0] === '--nope' ? [] : ['--config', file]
    try {
      expect(await main([...args, ...config])).toBe(2)
      expect(said.mock.calls.flat().join('\n')).toMatch(text)
    } finally {
      said.mockRestore()
    }
  })
})
