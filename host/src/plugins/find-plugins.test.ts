import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findPlugins } from './find-plugins.ts'

let folder: string
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'mcm-find-')))
})
afterEach(async () => await rm(folder, { recursive: true, force: true }))

const mcm = (...providers: string[]) => ({ contract: 1, host: '>=0.1.0 <1.0.0', providers })

/** Writes files, texts as they are and objects as JSON. */
async function write(files: Record<string, string | object>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(folder, dirname(path)), { recursive: true })
    await writeFile(join(folder, path), typeof content === 'string' ? content : JSON.stringify(content))
  }
}

const plugin = (path: string, providers: string[], more: object = {}) => ({
  [`${path}/package.json`]: {
    name: path.replace(/^.*node_modules\//, ''),
    version: '1.0.0',
    mcm: mcm(...providers),
    ...more,
  },
  [`${path}/index.js`]: '',
})

/** What was found, with paths as seen from the test's folder. */
async function find(packages: string[] = [], folders: string[] = ['.']) {
  const { plugins, rejected } = await findPlugins({ packages, folders, workingDirectory: folder })
  return {
    plugins: plugins.map(({ name, entry, manifest }) => [
      name,
      entry.replace(pathToFileURL(folder).href, ''),
      manifest.providers.join(),
    ]),
    rejected: rejected.map(({ name, reason, providers }) => [name, reason.replaceAll(folder, ''), providers.join()]),
  }
}

describe('finds', () => {
  it('packages in a folder and in its node_modules, scoped ones too, sorted, and no others', async () => {
    await write({
      ...plugin('node_modules/zeta', ['Z']),
      ...plugin('node_modules/@scope/beta', ['B', 'b']),
      ...plugin('alpha', ['A']),
      'node_modules/lodash/package.json': { name: 'lodash', version: '1.0.0' },
      'node_modules/broken/package.json': '{',
      'node_modules/.bin/x': '',
      'node_modules/no-package/readme': '',
      'a-file': '',
    })
    expect(await find()).toEqual({
      plugins: [
        ['alpha', '/alpha/index.js', 'A'],
        ['@scope/beta', '/node_modules/@scope/beta/index.js', 'B,b'],
        ['zeta', '/node_modules/zeta/index.js', 'Z'],
      ],
      rejected: [],
    })
  })

  it('a package that is linked, and takes it once', async () => {
    await write(plugin('work/acme', ['Acme']))
    await mkdir(join(folder, 'node_modules'))
    await symlink('../work/acme', join(folder, 'node_modules/acme'))
    await symlink('nowhere', join(folder, 'node_modules/dangling'))
    expect(await find(['./work/acme'])).toEqual({
      plugins: [['work/acme', '/work/acme/index.js', 'Acme']],
      rejected: [],
    })
  })

  it('a named package by folder, and by name in the node_modules around', async () => {
    await write({ ...plugin('node_modules/@scope/acme', ['Acme']), ...plugin('other', ['Other']) })
    expect(await find(['@scope/acme', 'other'], [])).toEqual({
      plugins: [
        ['@scope/acme', '/node_modules/@scope/acme/index.js', 'Acme'],
        ['other', '/other/index.js', 'Other'],
      ],
      rejected: [],
    })
  })

  it.each<[string, object, string]>([
    ['exports as a text', { exports: './lib/a.js' }, 'a.js'],
    ['exports of "."', { exports: { '.': './lib/a.js', './other': './lib/b.js' } }, 'a.js'],
    ['conditions', { exports: { '.': { types: './x.d.ts', require: './x.cjs', import: './lib/a.js' } } }, 'a.js'],
    ['nested conditions', { exports: { node: { default: './lib/b.js' }, default: './x.js' } }, 'b.js'],
    ['main', { main: 'lib/b.js' }, 'b.js'],
  ])('the entry by %s', async (_, json, entry) => {
    await write({ ...plugin('acme', ['Acme'], json), 'acme/lib/a.js': '', 'acme/lib/b.js': '' })
    expect((await find()).plugins).toEqual([['acme', `/acme/lib/${entry}`, 'Acme']])
  })
})

describe('lists with the reason', () => {
  it.each<[string, Record<string, string | object>, string[], [string, string | RegExp, string][]]>([
    [
      'a package of another contract',
      plugin('acme', [], { mcm: { ...mcm('Acme'), contract: 7 } }),
      [],
      [['acme', 'it needs contract 7, this host speaks 1', 'Acme']],
    ],
    ['a manifest that is none', plugin('acme', [], { mcm: 'yes' }), [], [['acme', '"mcm" must be an object', '']]],
    [
      'a package without a version',
      { 'acme/package.json': { name: 'acme', mcm: mcm('A') } },
      [],
      [['acme', '/acme/package.json needs a name and a version', '']],
    ],
    [
      'a package without its entry',
      { 'acme/package.json': { name: 'acme', version: '1.0.0', mcm: mcm('A') } },
      [],
      [['acme', /^its entry cannot be found: ENOENT/, 'A']],
    ],
    [
      'exports that cannot be imported',
      plugin('acme', ['A'], { exports: { require: './index.js' } }),
      [],
      [['acme', 'its entry cannot be found: "exports" has nothing for "import"', 'A']],
    ],
    [
      'a named package that is not there',
      {},
      ['@scope/none'],
      [['@scope/none', 'no such package: neither a folder nor installed near ; try "npm i @scope/none"', '']],
    ],
    [
      'a named package that is broken',
      { 'acme/package.json': '{' },
      ['./acme'],
      [['/acme', /^cannot read \/acme\/package\.json: /, '']],
    ],
    [
      'a package in a folder that is broken and means to be a plugin',
      { 'acme/package.json': '{"mcm": {', 'other/package.json': '{' },
      [],
      [['/acme', /^cannot read \/acme\/package\.json: /, '']],
    ],
    ['a named folder that is not there', {}, ['./none'], [['./none', '/none is no folder with a package.json', '']]],
    [
      'a named package that is no plugin',
      { 'acme/package.json': { name: 'acme', version: '1.0.0' } },
      ['./acme'],
      [['acme', '/acme/package.json has no "mcm" entry, so it is no plugin', '']],
    ],
  ])('%s', async (_, files, packages, rejected) => {
    await write(files)
    const found = await find(packages)
    expect(found.plugins).toEqual([])
    expect(
      found.rejected.map(([name = '', reason, providers]) => [name.replace(folder, ''), reason, providers]),
    ).toEqual(
      rejected.map(([name, reason, providers]) => [
        name,
        reason instanceof RegExp ? expect.stringMatching(reason) : reason,
        providers,
      ]),
    )
  })

  it('the second of two packages that claim a provider, or have one name; named packages come first', async () => {
    await write({
      ...plugin('node_modules/a', ['One', 'Two']),
      ...plugin('node_modules/b', ['Three', 'Two']),
      ...plugin('node_modules/c', ['One']),
      ...plugin('elsewhere/node_modules/a', ['Four']),
    })
    expect(await find(['c'], ['.', 'elsewhere'])).toEqual({
      plugins: [
        ['c', '/node_modules/c/index.js', 'One'],
        ['b', '/node_modules/b/index.js', 'Three,Two'],
        ['a', '/elsewhere/node_modules/a/index.js', 'Four'],
      ],
      rejected: [['a', 'provider One is served by c already', 'One,Two']],
    })
    expect((await find([], ['.', 'elsewhere'])).rejected).toContainEqual([
      'a',
      'a 1.0.0 was found first, in /node_modules/a',
      'Four',
    ])
  })

  it('a plugin folder that is not there', async () => {
    expect(await find([], ['none'])).toEqual({
      plugins: [],
      rejected: [['none', expect.stringMatching(/^cannot read this plugin folder: ENOENT/), '']],
    })
  })
})
