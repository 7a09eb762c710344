import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { PluginState } from '@mcm/sdk/contract'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fixture } from '../contract/testing/built-program.ts'
import { startHost } from '../contract/testing/host-process.ts'
import { request } from '../contract/testing/requests.ts'

// A stranger's plugin comes as a tarball and is installed with npm. No network: what the packages need is in this
// workspace, and npm is told not to ask anybody.

const root = fileURLToPath(new URL('../..', import.meta.url))
const run = promisify(execFile)
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcm-installed-'))
  const quiet = ['--silent', '--ignore-scripts', '--no-update-notifier']
  const packages = [fixture('good'), fixture('too-new'), join(root, 'sdk')]
  await run('npm', ['pack', ...quiet, '--pack-destination', folder, ...packages], { cwd: folder })
  const tarballs = (await readdir(folder)).map((name) => join(folder, name))
  // A folder is linked, which is much faster; what others publish needs no test of its packing.
  const links = ['@bufbuild/protobuf', 'typebox'].map((name) => join(root, 'node_modules', name))
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'operator', private: true }))
  const offline = ['--offline', '--no-audit', '--no-fund', '--no-package-lock']
  await run('npm', ['install', ...quiet, ...offline, ...tarballs, ...links], { cwd: folder })
})

afterAll(async () => await rm(folder, { recursive: true, force: true }))

it('finds the plugins in node_modules, lists those that do not fit, and serves', async () => {
  await using host = await startHost({ config: { pluginDirs: [folder] } })
  await using driver = host.connect()
  const { plugins } = await driver.listPlugins()
  expect(
    plugins.map(({ name, version, providers, state, folder }) => ({
      name,
      version,
      providers,
      state: PluginState[state],
      folder,
    })),
  ).toEqual([
    {
      name: '@mcm-fixture/good',
      version: '1.0.0',
      providers: ['Good', 'good-alias'],
      state: 'READY',
      folder: join(folder, 'node_modules/@mcm-fixture/good'),
    },
    {
      name: '@mcm-fixture/too-new',
      version: '1.0.0',
      providers: ['TooNew'],
      state: 'FAILED',
      folder: join(folder, 'node_modules/@mcm-fixture/too-new'),
    },
  ])
  // The alias routes to it too.
  const answer = await driver.createMachine(request('good-alias', { region: 'north' }, { apiToken: 'x' }))
  expect(answer).toEqual({
    providerID: 'good:///north/m-1',
    nodeName: 'node-m-1',
    addresses: [{ type: 'Hostname', address: 'm-1.s' }],
  })
})

it('finds a plugin that is named, from the folder in which the host is started', async () => {
  const npmPackage = { plugins: ['@mcm-fixture/good', '@mcm-fixture/not-there'], cwd: folder }
  await using host = await startHost(npmPackage)
  await using driver = host.connect()
  const { plugins } = await driver.listPlugins()
  expect(plugins.map(({ name, reason }) => ({ name, reason }))).toEqual([
    { name: '@mcm-fixture/good', reason: '' },
    {
      name: '@mcm-fixture/not-there',
      reason: `no such package: neither a folder nor installed near ${folder}; try "npm i @mcm-fixture/not-there"`,
    },
  ])
})
