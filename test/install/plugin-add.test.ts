import { once } from 'node:events'
import { readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PluginState } from '@mcm/sdk/contract'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hostVersion } from '../../host/src/version.ts'
import { startHost } from '../contract/testing/host-process.ts'
import { acme, makePlace, type Place } from './testing/plugin-folder.ts'
import { startRegistry, type TinyRegistry, tarball } from './testing/tiny-registry.ts'

// The built program, the real npm, and a registry on loopback. No network.

let registry: TinyRegistry
let place: Place
beforeAll(async () => {
  registry = await startRegistry()
  await registry.publish({ 'package.json': '{"name":"helper","version":"1.0.0"}', 'index.js': '1' })
  const needs = { dependencies: { helper: '^1.0.0' } }
  await registry.publish(acme({ ...needs }))
  await registry.publish(acme({ ...needs, version: '1.1.0', mcm: { permissions: { net: ['api.acme.example'] } } }))
  await registry.publish(acme({ version: '2.0.0' }))
  await registry.publish(acme({ name: 'rival', mcm: { providers: ['Rival', 'Acme'] } }))
  await registry.publish({ 'package.json': '{"name":"no-plugin","version":"1.0.0"}', 'index.js': '' })
})
afterAll(async () => await registry[Symbol.asyncDispose]())
beforeEach(async () => {
  place = await makePlace(registry.url)
  return async () => await place[Symbol.asyncDispose]()
})

const done = 'a host that watches this folder takes it over by itself; others with "mcm plugin reload"\n'

/** What a host makes of the plugin folder. */
async function loaded(config: object = {}) {
  await using host = await startHost({ config: { pluginDirs: [place.plugins], ...config } })
  await using driver = host.connect()
  const { plugins } = await driver.listPlugins()
  return plugins.map(({ name, version, state, reason }) => ({ name, version, state: PluginState[state], reason }))
}

describe('mcm plugin add', () => {
  it('installs from a registry, with what the plugin needs, and the host loads it', async () => {
    expect(await place.mcm('plugin', 'add', '@acme/plugin@~1.0')).toEqual({
      code: 0,
      stdout: `@acme/plugin 1.0.0 added: serves Acme\n  unsigned, no provenance\n${done}`,
      stderr: '',
    })
    expect(await place.lock()).toEqual({
      lockfileVersion: 1,
      plugins: {
        '@acme/plugin': {
          version: '1.0.0',
          spec: '@acme/plugin@~1.0',
          source: 'registry',
          integrity: expect.stringMatching(/^sha512-/),
          signature: 'none',
          provenance: 'none',
          tree: expect.stringMatching(/^sha256-/),
          contract: 1,
          providers: ['Acme'],
          permissions: [],
          packages: {
            'node_modules/@acme/plugin': {
              version: '1.0.0',
              integrity: expect.stringMatching(/^sha512-/),
              dependencies: { helper: '^1.0.0' },
            },
            'node_modules/helper': { version: '1.0.0', integrity: expect.stringMatching(/^sha512-/) },
          },
        },
      },
    })
    expect(JSON.stringify(await place.snapshot())).not.toContain(registry.url)
    expect(await loaded()).toEqual([{ name: '@acme/plugin', version: '1.0.0', state: 'READY', reason: '' }])
  })

  it('installs from a folder, which is packed and not linked, and from a tarball, with one and the same result', async () => {
    const folder = await place.write('my-plugin', acme({ dependencies: { helper: '1' } }))
    expect(await place.mcm('plugin', 'add', './my-plugin')).toMatchObject({ code: 0 })
    const first = (await place.lock()).plugins['@acme/plugin']
    expect(first).toMatchObject({ spec: 'file:../../../my-plugin', source: 'folder' })
    await writeFile(join(folder, 'index.js'), 'changed afterwards')
    expect(await place.mcm('plugin', 'verify')).toMatchObject({ code: 0 })

    await writeFile(join(place.path, 'acme.tgz'), await tarball(acme({ dependencies: { helper: '1' } })))
    expect(await place.mcm('plugin', 'add', 'acme.tgz')).toMatchObject({ code: 0 })
    const second = (await place.lock()).plugins['@acme/plugin']
    expect(second).toMatchObject({ spec: 'file:../../../acme.tgz', source: 'tarball', tree: first?.tree })
  })

  it('packs what a folder has linked, as in a workspace', async () => {
    const files = acme({ dependencies: { sdk: '^7.0.0' } })
    await place.write('work/node_modules/.keep', { x: '' })
    await place.write('work/plugin', files)
    const sdk = await place.write('work/sdk', { 'package.json': '{"name":"sdk","version":"7.1.0"}', 'index.js': '' })
    await symlink(sdk, join(place.path, 'work/node_modules/sdk'))
    expect(await place.mcm('plugin', 'add', './work/plugin')).toMatchObject({ code: 0, stderr: '' })
    expect((await place.lock()).plugins['@acme/plugin']).toMatchObject({
      packages: { 'node_modules/sdk': { version: '7.1.0' } },
    })
  })

  it('shows where plugins come from', async () => {
    await place.mcm('plugin', 'add', '@acme/plugin@1.0')
    const { stdout } = await place.mcm('plugin', 'list', '--local', '--plugin-dir', place.plugins)
    expect(stdout).toMatch(/FROM\n@acme\/plugin .*registry @acme\/plugin@1\.0 \(unsigned, no provenance\)\n$/)
  })

  it('runs no script of a package, packed or installed', async () => {
    const touch = (name: string) => `node -e "require('fs').writeFileSync('${join(place.path, name)}', '')"`
    const names = ['preinstall', 'install', 'postinstall', 'prepare', 'prepack', 'postpack']
    const scripts = Object.fromEntries(names.map((name) => [name, touch(`ran-${name}`)]))
    await registry.publish({
      'package.json': JSON.stringify({ name: 'scripted', version: '1.0.0', scripts }),
      'binding.gyp': '{}',
    })
    await place.write('my-plugin', acme({ scripts, dependencies: { scripted: '1' } }))
    await writeFile(join(place.path, 'acme.tgz'), await tarball(acme({ scripts })))
    expect(await place.mcm('plugin', 'add', './my-plugin')).toMatchObject({ code: 0 })
    expect(await place.mcm('plugin', 'add', './acme.tgz')).toMatchObject({ code: 0 })
    expect((await readdir(place.path)).filter((name) => name.startsWith('ran'))).toEqual([])
  })
})

describe('changes nothing', () => {
  it.each<[string, () => Promise<string[]>, string]>([
    [
      'for what is no plugin',
      async () => ['no-plugin'],
      'no-plugin 1.0.0: its package.json has no "mcm" entry, so it is no plugin\nnothing was changed\n',
    ],
    [
      'for another contract',
      async () => [await place.write('x', acme({ mcm: { contract: 7 } }))],
      '@acme/plugin 1.0.0: it needs contract 7, this host speaks 1\nnothing was changed\n',
    ],
    [
      'for another host',
      async () => [await place.write('x', acme({ mcm: { host: '>=7' } }))],
      `@acme/plugin 1.0.0: it was made for host >=7, this is ${hostVersion}\nnothing was changed\n`,
    ],
    [
      'for a provider that another plugin serves, though one of two is fine',
      async () => ['rival', await place.write('x', acme({ name: 'fine', mcm: { providers: ['Fine'] } }))],
      'rival 1.0.0: it serves Acme, and so does @acme/plugin, which is installed; remove that first\nnothing was changed\n',
    ],
    [
      'without consent',
      async () => ['@acme/plugin@1.1', '--allow', 'net:other.example'],
      '@acme/plugin 1.1.0 asks for permissions that nobody granted:\n  net:api.acme.example\n' +
        'nothing was changed; grant them with --yes, or with --allow net:api.acme.example\n',
    ],
    [
      'for a package that the registry does not have',
      async () => ['@acme/none'],
      expect.stringMatching(/^npm pack failed with status 1:\n {2}code E404\n/) as string,
    ],
    [
      'for a URL, and does not repeat it',
      async () => ['https://me:hunter2@example.com/x.tgz'],
      'a URL cannot be installed; name a package (@acme/plugin, @acme/plugin@^1), a folder (./plugin) or a tarball (plugin.tgz)\n',
    ],
    [
      'for a tarball that is none',
      async () => [join(await place.write('x', { 'bad.tgz': 'nonsense' }), 'bad.tgz')],
      expect.stringMatching(/^npm pack failed with status 1:\n/) as string,
    ],
    [
      'for what the policy does not name',
      async () => {
        const folder = await place.write('c', { 'host.yaml': 'pluginPolicy: { allow: ["@mcm/*"] }' })
        return ['@acme/plugin@2', '--config', join(folder, 'host.yaml')]
      },
      '@acme/plugin 2.0.0: pluginPolicy.allow of the configuration does not name it (@mcm/*)\nnothing was changed\n',
    ],
  ])('%s', async (_, args, stderr) => {
    await place.mcm('plugin', 'add', '@acme/plugin@1.0')
    const before = await place.snapshot()
    expect(await place.mcm('plugin', 'add', ...(await args()))).toEqual({ code: 1, stdout: '', stderr })
    expect(await place.snapshot()).toEqual(before)
  })
})

describe('mcm plugin update', () => {
  it('tells what would change, and wants consent for permissions that grew', async () => {
    await registry.publish({ 'package.json': '{"name":"helper","version":"1.0.0"}', 'index.js': '1' })
    await place.mcm('plugin', 'add', '@acme/plugin@1.0')
    const lockFile = join(place.plugins, 'mcm-plugins.lock.json')
    expect(await place.mcm('plugin', 'update')).toEqual({
      code: 0,
      stdout: '@acme/plugin 1.0.0 is up to date\n',
      stderr: '',
    })
    await writeFile(lockFile, (await readFile(lockFile, 'utf8')).replace('@acme/plugin@1.0"', '@acme/plugin@^1"'))
    const before = await place.snapshot()
    expect(await place.mcm('plugin', 'update', '--dry-run')).toEqual({
      code: 0,
      stdout: '@acme/plugin 1.0.0 → 1.1.0\n  + permission net:api.acme.example\n',
      stderr: '',
    })
    expect(await place.mcm('plugin', 'update')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('net:api.acme.example'),
    })
    expect(await place.snapshot()).toEqual(before)
    expect(await place.mcm('plugin', 'update', '--allow', 'net:api.acme.example')).toMatchObject({ code: 0 })
    expect(await place.mcm('plugin', 'verify')).toMatchObject({ stdout: '@acme/plugin 1.1.0 is as installed\n' })
    // Granted once, not asked again.
    expect(await place.mcm('plugin', 'update')).toMatchObject({ code: 0 })
    expect(await loaded()).toMatchObject([{ version: '1.1.0', state: 'READY' }])
  })
})

it('mcm plugin remove takes a plugin away, and names those that are there', async () => {
  await place.mcm('plugin', 'add', '@acme/plugin@1.0')
  expect(await place.mcm('plugin', 'remove', 'nope')).toEqual({
    code: 1,
    stdout: '',
    stderr: `no plugin "nope" is installed in ${place.plugins} (there are: @acme/plugin)\n`,
  })
  expect(await place.mcm('plugin', 'remove', '@acme/plugin')).toMatchObject({ code: 0, stderr: '' })
  expect(Object.keys(await place.snapshot())).toEqual(['mcm-plugins.lock.json'])
  expect(await loaded()).toEqual([])
})

it('mcm plugin bundle makes an archive that installs with neither network nor npm', async () => {
  await place.mcm('plugin', 'add', '@acme/plugin@1.1', '--yes')
  expect(await place.mcm('plugin', 'bundle', '-o', 'all.tgz')).toEqual({
    code: 0,
    stdout: 'all.tgz holds @acme/plugin 1.1.0\n',
    stderr: '',
  })
  const before = await place.snapshot()
  await rm(place.plugins, { recursive: true })
  await using other = await makePlace()
  const bundle = join(place.path, 'all.tgz')
  expect(await other.mcm('plugin', 'add', bundle)).toMatchObject({ code: 1, stderr: expect.stringMatching(/net:api/) })
  expect(await other.mcm('plugin', 'add', bundle, '--yes')).toMatchObject({ code: 0, stderr: '' })
  expect(await other.snapshot()).toEqual(before)
  const bytes = await readFile(bundle)
  await writeFile(bundle, bytes.subarray(0, bytes.length - 100))
  expect(await other.mcm('plugin', 'add', bundle, '--yes')).toMatchObject({
    code: 1,
    stderr: `the bundle ${bundle} cannot be used: unexpected end of file\n`,
  })
  expect(await other.snapshot()).toEqual(before)
})

describe('a plugin whose files were changed', () => {
  it('is found by verify, is not loaded, and is repaired by adding it again', async () => {
    await place.mcm('plugin', 'add', '@acme/plugin@1.0')
    const good = await place.snapshot()
    const tree = Object.keys(good)
      .find((path) => path.endsWith('files.sha256'))
      ?.replace('files.sha256', 'node_modules')
    const modules = join(place.plugins, tree ?? '')
    await writeFile(join(modules, 'helper/index.js'), 'evil')
    await writeFile(join(modules, 'helper/more.js'), '')
    await rm(join(modules, '@acme/plugin/index.js'))
    expect(await place.mcm('plugin', 'verify')).toEqual({
      code: 1,
      stdout:
        '@acme/plugin 1.0.0 differs from the lock file\n' +
        '  missing node_modules/@acme/plugin/index.js\n' +
        '  changed node_modules/helper/index.js\n' +
        '  added   node_modules/helper/more.js\n',
      stderr: '',
    })
    expect(await loaded()).toEqual([
      {
        name: '@acme/plugin',
        version: '1.0.0',
        state: 'FAILED',
        reason:
          'its files differ from the lock file: missing node_modules/@acme/plugin/index.js; changed node_modules/helper/index.js; ' +
          'added node_modules/helper/more.js; run "mcm plugin verify"',
      },
    ])
    expect(await place.mcm('plugin', 'bundle', '-o', 'x.tgz')).toMatchObject({ code: 1 })
    expect(await place.mcm('plugin', 'add', '@acme/plugin@1.0')).toMatchObject({ code: 0 })
    expect(await place.snapshot()).toEqual(good)
  })

  it('is not loaded when it asks for more than the lock file grants', async () => {
    await place.mcm('plugin', 'add', '@acme/plugin@1.1', '--yes')
    const lockFile = join(place.plugins, 'mcm-plugins.lock.json')
    await writeFile(lockFile, (await readFile(lockFile, 'utf8')).replace('"net:api.acme.example"', ''))
    expect(await loaded()).toMatchObject([
      { state: 'FAILED', reason: expect.stringMatching(/net:api\.acme\.example, which the lock file does not grant/) },
    ])
  })
})

it('a host with a policy loads only what it allows, and only from a lock file', async () => {
  await place.mcm('plugin', 'add', '@acme/plugin@1.0')
  const loose = await place.write('loose', acme({ name: 'loose', mcm: { providers: ['Loose'] } }))
  const [, wanted] = await loaded({ plugins: [loose], pluginPolicy: { requireIntegrity: true } })
  expect(wanted).toMatchObject({
    name: 'loose',
    state: 'FAILED',
    reason: expect.stringMatching(/wants a lock file for it/),
  })
  expect(await loaded({ plugins: [loose], pluginPolicy: { allow: ['loose'] } })).toMatchObject([
    { name: '@acme/plugin', state: 'FAILED', reason: expect.stringMatching(/does not name it \(loose\)$/) },
    { name: 'loose', state: 'READY' },
  ])
})

describe('whoever is interrupted', () => {
  it('by kill -9 leaves the old state, and the next one takes over', async () => {
    await place.mcm('plugin', 'add', '@acme/plugin@1.0')
    const before = await place.snapshot()
    await registry.publish(acme({ name: 'slow', mcm: { providers: ['Slow'] }, dependencies: { waits: '1' } }))
    const hold = registry.hold('waits')
    const child = place.start('plugin', 'add', 'slow')
    await hold.asked
    child.kill('SIGKILL')
    await once(child, 'exit')
    const after = Object.entries(await place.snapshot()).filter(([path]) => !/^(staging|\.locks)\//.test(path))
    expect(Object.fromEntries(after)).toEqual(before)
    expect(await loaded()).toMatchObject([{ state: 'READY' }])
    hold.release()
    expect(await place.mcm('plugin', 'add', '@acme/plugin@2')).toMatchObject({ code: 0, stderr: '' })
    expect(await loaded()).toMatchObject([{ version: '2.0.0', state: 'READY' }])
  })

  it('at any moment leaves the old or the new state', async () => {
    await place.mcm('plugin', 'add', '@acme/plugin@1.0')
    const started = Date.now()
    await place.mcm('plugin', 'add', '@acme/plugin@2')
    const wholeMs = Date.now() - started
    await place.mcm('plugin', 'add', '@acme/plugin@1.0')
    for (const [i, part] of [0.3, 0.6, 0.8, 0.9, 0.95, 1].entries()) {
      // There and back, so that each is a change even where the one before was in time.
      const child = place.start('plugin', 'add', i % 2 === 0 ? '@acme/plugin@2' : '@acme/plugin@1.0')
      const timer = setTimeout(() => child.kill('SIGKILL'), wholeMs * part)
      await once(child, 'exit')
      clearTimeout(timer)
      const { code, stdout } = await place.mcm('plugin', 'verify')
      expect({ part, code, stdout }).toEqual({
        part,
        code: 0,
        stdout: expect.stringMatching(/^@acme\/plugin (1\.0\.0|2\.0\.0) is as installed\n$/),
      })
    }
  })

  it('by SIGTERM cleans up', async () => {
    await place.mcm('plugin', 'add', '@acme/plugin@1.0')
    const before = await place.snapshot()
    await registry.publish(acme({ name: 'slow', mcm: { providers: ['Slow'] }, dependencies: { waits: '1' } }))
    const hold = registry.hold('waits')
    const child = place.start('plugin', 'add', 'slow')
    await hold.asked
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([143, null])
    expect(await place.snapshot()).toEqual(before)
    hold.release()
  })

  it('by another one is told who it is', async () => {
    await registry.publish(acme({ name: 'slow', mcm: { providers: ['Slow'] }, dependencies: { waits: '1' } }))
    const hold = registry.hold('waits')
    const child = place.start('plugin', 'add', 'slow')
    await hold.asked
    expect(await place.mcm('plugin', 'add', '@acme/plugin@2')).toEqual({
      code: 1,
      stdout: '',
      stderr: `another mcm (process ${child.pid}) is changing the plugins in ${place.plugins}; try again when it has ended\n`,
    })
    child.kill('SIGTERM')
    await once(child, 'exit')
    hold.release()
  })
})
