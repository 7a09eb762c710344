import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { installLikeAStranger } from '../env/strangers-install.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const packages = ['sdk', 'sdk/create', 'host', 'plugins/aws', 'plugins/fake', 'plugins/gcp', 'plugins/libvirt']
const folder = mkdtempSync(join(tmpdir(), 'mcm-packages-'))
const bin = (name: string) => join(root, 'node_modules/.bin', name)
let installed: string

beforeAll(async () => {
  const signal = AbortSignal.timeout(120_000)
  installed = await installLikeAStranger(packages, folder, { signal, update: () => {} })
}, 130_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.each(packages)('package %s', (name) => {
  it('is one that npm can publish and Node can load', () => {
    execFileSync(bin('publint'), ['run', '--strict', join(root, name)], { stdio: 'pipe' })
  })

  it('resolves, types included', () => {
    const { name: packageName, version, exports } = JSON.parse(readFileSync(join(root, name, 'package.json'), 'utf8'))
    // A program has nothing to import.
    if (!exports['.']) return expect(['host', 'sdk/create']).toContain(name)
    const tarball = `${packageName.replace('@', '').replace('/', '-')}-${version}.tgz`
    expect(readdirSync(join(folder, 'tarballs'))).toContain(tarball)
    execFileSync(bin('attw'), ['--profile', 'esm-only', join(folder, 'tarballs', tarball)], { stdio: 'pipe' })
  })
})

describe('a stranger who installs the packages', () => {
  it('writes a plugin with types that follow from its schema', () => {
    writeFileSync(join(installed, 'plugin.ts'), plugin)
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--types', '']
    const compiled = spawnSync(bin('tsc'), [...options, 'plugin.ts'], { cwd: installed, encoding: 'utf8' })
    expect(compiled.stdout).toBe('')
    expect(compiled.status).toBe(0)
  })

  it('has at most five more packages by the SDK', () => {
    const { packages: all } = JSON.parse(readFileSync(join(installed, 'package-lock.json'), 'utf8'))
    const needed = new Set<string>()
    const visit = (name: string) => {
      if (needed.has(name)) return
      needed.add(name)
      for (const next of Object.keys(all[`node_modules/${name}`].dependencies ?? {})) visit(next)
    }
    visit('@mcm/sdk')
    needed.delete('@mcm/sdk')
    expect(needed.size).toBeLessThanOrEqual(5)
  })

  it('tests a plugin in memory, with what the SDK brings', () => {
    const code = `
      import { definePlugin, Type } from '@mcm/sdk'
      import { loadPlugin, machineRequest } from '@mcm/sdk/testing'
      const spec = Type.Object({ size: Type.String({ default: 's', format: 'hostname' }) })
      const createMachine = async ({ spec }) => ({ providerID: 'x:///1', nodeName: spec.size })
      const plugin = loadPlugin(definePlugin({ provider: 'x', providerSpec: spec, secret: {}, createMachine }))
      console.log((await plugin.call('createMachine', machineRequest('m'))).nodeName)`
    const args = ['--input-type=module', '--eval', code]
    expect(execFileSync(process.execPath, args, { cwd: installed, encoding: 'utf8' })).toBe('s\n')
  })

  it('finds the plugins beside the host', () => {
    const args = [join(installed, 'node_modules/.bin/mcm'), 'plugin', 'list', '--local', '-o', 'json']
    // Not those that the user of this machine has installed.
    const env = { ...process.env, XDG_DATA_HOME: folder }
    const plugins = JSON.parse(execFileSync(process.execPath, args, { cwd: '/', encoding: 'utf8', env }))
    expect(plugins).toMatchObject([
      { name: '@mcm/plugin-aws', providers: ['AWS'], state: 'PLUGIN_STATE_READY' },
      { name: '@mcm/plugin-fake', providers: ['fake'], state: 'PLUGIN_STATE_READY' },
      { name: '@mcm/plugin-gcp', providers: ['GCP'], state: 'PLUGIN_STATE_READY' },
      { name: '@mcm/plugin-libvirt', providers: ['libvirt'], state: 'PLUGIN_STATE_READY' },
    ])
  })
})

// Each expectation of an error fails the compilation when there is none.
const plugin = `
import { definePlugin, MachineError, Type } from '@mcm/sdk'
import type { DriverClient } from '@mcm/sdk/contract'

export default definePlugin({
  provider: 'Acme',
  providerSpec: Type.Object({ region: Type.String(), size: Type.Union([Type.Literal('s'), Type.Literal('m')]) }),
  secret: { token: 'required', userData: 'optional' },
  async createMachine({ machine, spec, secret }, { signal }) {
    const size: 's' | 'm' = spec.size
    const name: string = machine.metadata.name
    // @ts-expect-error The schema has no such field.
    void spec.sise
    // @ts-expect-error The plugin has not named this key.
    secret.text('tokem')
    signal.throwIfAborted()
    return { providerID: spec.region + size + secret.text('token'), nodeName: name }
  },
  async deleteMachine() {
    // @ts-expect-error There is no such code.
    throw new MachineError('Nope', 'no')
  },
  // @ts-expect-error A VM has a nodeName.
  async getMachineStatus() {
    return { providerID: 'x' }
  },
})
export type { DriverClient }
`
