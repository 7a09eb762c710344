import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PluginState } from '@mcm/sdk/contract'
import { beforeEach, describe, expect, it } from 'vitest'
import { startHost } from '../contract/testing/host-process.ts'
import { acme, makePlace, type Place } from './testing/plugin-folder.ts'
import { makeSigner, startRegistry, type TinyRegistry } from './testing/tiny-registry.ts'
import { startSigstore, workflow } from './testing/tiny-sigstore.ts'

// What was reviewed, and nothing else: pins, lock files that are installed, signatures and provenance.

let registry: TinyRegistry
let place: Place
beforeEach(async () => {
  registry = await startRegistry()
  place = await makePlace(registry.url)
  return async () => {
    await registry[Symbol.asyncDispose]()
    await place[Symbol.asyncDispose]()
  }
})

const done = 'a host that watches this folder takes it over by itself; others with "mcm plugin reload"\n'
const helper = (version: string) => ({
  'package.json': `{"name":"helper","version":"${version}"}`,
  'index.js': version,
})

/** Takes a lock file to another machine. */
async function takeLockTo(other: Place): Promise<void> {
  await mkdir(other.plugins, { recursive: true })
  await copyFile(join(place.plugins, 'mcm-plugins.lock.json'), join(other.plugins, 'mcm-plugins.lock.json'))
}

it('mcm plugin add --integrity installs that tarball or none', async () => {
  const { integrity } = await registry.publish(acme())
  const other = `sha512-${Buffer.alloc(64).toString('base64')}`
  expect(await place.mcm('plugin', 'add', '@acme/plugin@1.0.0', '--integrity', other)).toEqual({
    code: 1,
    stdout: '',
    stderr: `@acme/plugin 1.0.0 has the integrity\n  ${integrity}, not\n  ${other}\nnothing was changed\n`,
  })
  expect(await place.snapshot()).toEqual({})
  expect(await place.mcm('plugin', 'add', '@acme/plugin@1.0.0', '--integrity', integrity)).toMatchObject({ code: 0 })
  expect(await place.mcm('plugin', 'add', '@acme/plugin', '--integrity', 'md5-x')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^--integrity wants the sha512 of the tarball/),
  })
  expect(await place.mcm('plugin', 'add', 'a', 'b', '--integrity', other)).toMatchObject({
    code: 1,
    stderr: '--integrity is for one plugin; add them one by one\n',
  })
})

describe('mcm plugin install', () => {
  it('makes the same trees elsewhere, whatever the registry has got since', async () => {
    await registry.publish(helper('1.0.0'))
    await registry.publish(acme({ dependencies: { helper: '^1.0.0' } }))
    await place.mcm('plugin', 'add', '@acme/plugin')
    const before = await place.snapshot()
    await registry.publish(helper('1.1.0'))
    await registry.publish(acme({ version: '1.1.0', dependencies: { helper: '^1.0.0' } }))
    await using other = await makePlace(registry.url)
    await takeLockTo(other)
    expect(await other.mcm('plugin', 'install')).toEqual({
      code: 0,
      stdout: `@acme/plugin 1.0.0 installed\n${done}`,
      stderr: '',
    })
    expect(await other.snapshot()).toEqual(before)
    // Needs nobody any more.
    registry.requests.length = 0
    expect(await other.mcm('plugin', 'install')).toEqual({
      code: 0,
      stdout: '@acme/plugin 1.0.0 is there already\n',
      stderr: '',
    })
    expect(registry.requests).toEqual([])
  })

  it('refuses what is not the same, and changes nothing', async () => {
    await registry.publish(acme())
    await place.mcm('plugin', 'add', '@acme/plugin')
    await using other = await makePlace(registry.url)
    await takeLockTo(other)
    const before = await other.snapshot()
    const { integrity } = await registry.publish(acme({ description: 'published again' }))
    expect(await other.mcm('plugin', 'install')).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(
        /^@acme\/plugin 1\.0\.0 is not what the lock file says: its tarball has the integrity\n/,
      ),
    })
    expect(await other.snapshot()).toEqual(before)
    const lockFile = join(other.plugins, 'mcm-plugins.lock.json')
    // An integrity that fits, and a digest that does not.
    const text = (await readFile(lockFile, 'utf8')).replaceAll(/sha512-[^"]+/g, integrity)
    await writeFile(lockFile, text)
    expect(await other.mcm('plugin', 'install')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^@acme\/plugin 1\.0\.0 is not what the lock file says: its files are others/),
    })
    expect(await readdir(join(other.plugins, 'packages'))).toEqual([])
    await rm(lockFile)
    expect(await other.mcm('plugin', 'install')).toEqual({
      code: 1,
      stdout: '',
      stderr: `${lockFile} names no plugin; put the lock file there that is to be installed\n`,
    })
  })

  it('takes from a bundle what was added from a folder that is not here', async () => {
    await place.write('my-plugin', acme())
    await place.mcm('plugin', 'add', './my-plugin')
    await place.mcm('plugin', 'bundle', '-o', 'all.tgz')
    const before = await place.snapshot()
    await rm(join(place.plugins, 'packages'), { recursive: true })
    expect(await place.mcm('plugin', 'install')).toMatchObject({ code: 0 })
    expect(await place.snapshot()).toEqual(before)
    await using other = await makePlace()
    await takeLockTo(other)
    expect(await other.mcm('plugin', 'install')).toEqual({
      code: 1,
      stdout: '',
      stderr:
        `@acme/plugin 1.0.0 was added from a folder that is not here: file:../../../my-plugin: there is no ${other.path}/my-plugin\n` +
        'where it is, write a bundle with "mcm plugin bundle"; here, install that with "mcm plugin install --bundle <file>"\n' +
        'nothing was changed\n',
    })
    expect(await other.mcm('plugin', 'install', '--bundle', join(place.path, 'all.tgz'))).toMatchObject({ code: 0 })
    expect(await other.snapshot()).toEqual(before)
  })
})

it('trees are for everybody to read and for nobody else to change, whatever the umask', async () => {
  await registry.publish(acme())
  const umask = process.umask(0o077)
  try {
    expect(await place.mcm('plugin', 'add', '@acme/plugin')).toMatchObject({ code: 0 })
  } finally {
    process.umask(umask)
  }
  const entries = await readdir(place.plugins, { recursive: true, withFileTypes: true })
  const found = entries
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.startsWith(join(place.plugins, '.locks')))
  const modes = [...found, place.plugins, join(place.path, 'data')].map(async (path) => {
    const { mode } = await stat(path)
    return (mode & 0o777).toString(8)
  })
  expect(new Set(await Promise.all(modes))).toEqual(new Set(['755', '644']))
})

it('a policy can want provenance, of whoever installs and of the host', async () => {
  await using sigstore = await startSigstore()
  await sigstore.trustIn(join(place.path, 'cache'))
  const signer = makeSigner('key')
  registry.keys.push(signer.key)
  await registry.publish(acme(), async (published) => ({
    signatures: [signer.sign(published)],
    attestations: [await sigstore.attest(published, workflow('acme/plugin'))],
  }))
  await registry.publish(acme({ version: '2.0.0' }), (published) => ({ signatures: [signer.sign(published)] }))
  await registry.publish(acme({ version: '3.0.0' }), () => ({ signatures: [{ keyid: 'key', sig: 'x' }] }))
  const policy = (owner: string) => ({ pluginPolicy: { requireProvenance: [`https://github.com/${owner}/*`] } })
  const folder = await place.write('c', { 'acme.yaml': JSON.stringify(policy('acme')) })
  const config = ['--config', join(folder, 'acme.yaml')]
  const proof =
    'signed by the registry, built from https://github.com/acme/plugin at 0123456789ab by .github/workflows/release.yml@refs/tags/v1'

  expect(await place.mcm('plugin', 'add', '@acme/plugin@1', ...config)).toEqual({
    code: 0,
    stdout: `@acme/plugin 1.0.0 added: serves Acme\n  ${proof}\n${done}`,
    stderr: '',
  })
  const before = await place.snapshot()
  expect(await place.mcm('plugin', 'add', '@acme/plugin@2', ...config)).toEqual({
    code: 1,
    stdout: '',
    stderr:
      '@acme/plugin 2.0.0: pluginPolicy.requireProvenance of the configuration wants it built from https://github.com/acme/*; ' +
      'nothing proves where it was built\nnothing was changed\n',
  })
  expect(await place.mcm('plugin', 'add', '@acme/plugin@3')).toEqual({
    code: 1,
    stdout: '',
    stderr: '@acme/plugin 3.0.0 has a wrong registry signature (key key)\nnothing was changed\n',
  })
  expect(await place.snapshot()).toEqual(before)
  const { stdout } = await place.mcm('plugin', 'show', '@acme/plugin', '--local', '--plugin-dir', place.plugins)
  expect(stdout.replaceAll(/\s+/g, ' ')).toContain(`from: registry @acme/plugin@1 (${proof})`)

  const states = async (owner: string) => {
    await using host = await startHost({ config: { pluginDirs: [place.plugins], ...policy(owner) } })
    await using driver = host.connect()
    const { plugins } = await driver.listPlugins()
    return plugins.map(({ state, reason }) => ({ state: PluginState[state], reason }))
  }
  expect(await states('acme')).toEqual([{ state: 'READY', reason: '' }])
  expect(await states('other')).toEqual([
    {
      state: 'FAILED',
      reason:
        'pluginPolicy.requireProvenance of the configuration wants it built from https://github.com/other/*; ' +
        'it was built from https://github.com/acme/plugin',
    },
  ])

  // A bundle can say anything of what was proven.
  await place.mcm('plugin', 'bundle', '-o', 'all.tgz')
  await using other = await makePlace()
  expect(await other.mcm('plugin', 'add', join(place.path, 'all.tgz'))).toMatchObject({ code: 0 })
  expect((await other.lock()).plugins['@acme/plugin']).toMatchObject({ signature: 'none', provenance: 'none' })

  // What was proven of the same bytes stays so.
  expect(await place.mcm('plugin', 'add', 'all.tgz', ...config)).toMatchObject({ code: 0 })
  registry.keys.length = 0
  expect(await place.mcm('plugin', 'update', ...config)).toEqual({
    code: 0,
    stdout: '@acme/plugin 1.0.0 is up to date\n',
    stderr: 'note on @acme/plugin 1.0.0: it is signed, but the registry has no keys to check that with\n',
  })
  expect(await place.snapshot()).toEqual(before)
})
