import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatLockFile, type LockEntry, parseLockFile, readLockFile, writeLockFile } from './lock-file.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcm-lock-'))
})
afterAll(async () => await rm(folder, { recursive: true }))

const entry: LockEntry = {
  version: '1.0.0',
  spec: '@acme/plugin@^1',
  source: 'registry',
  integrity: `sha512-${'A'.repeat(86)}==`,
  signature: 'none',
  provenance: 'none',
  tree: `sha256-${'0'.repeat(64)}`,
  contract: 1,
  providers: ['Zeta', 'alpha'],
  permissions: ['net:x'],
  packages: { 'node_modules/@a/a': { version: '1.0.0', dependencies: { b: '*' } } },
}

it('is the same text whatever the order, and keeps the first provider first', () => {
  const shuffled = Object.fromEntries(Object.entries(entry).reverse()) as LockEntry
  expect(formatLockFile({ b: shuffled, '@a/a': entry })).toBe(formatLockFile({ '@a/a': entry, b: entry }))
  expect(Object.keys(JSON.parse(formatLockFile({ b: entry, '@a/a': entry })).plugins)).toEqual(['@a/a', 'b'])
  expect(JSON.parse(formatLockFile({ b: entry })).plugins.b.providers).toEqual(['Zeta', 'alpha'])
})

it('is written whole, in a folder that need not be there, and read again', async () => {
  const file = join(folder, 'new', 'lock.json')
  expect(await readLockFile(file)).toEqual({})
  await writeLockFile(file, { b: entry })
  await writeLockFile(file, { a: entry })
  expect(await readLockFile(file)).toEqual({ a: entry })
  expect(await readFile(file, 'utf8')).toBe(formatLockFile({ a: entry }))
  expect(await readdir(join(folder, 'new'))).toEqual(['lock.json'])
})

const restore = 'restore it from version control, or remove it and add the plugins again'
const text = (plugins: object) => JSON.stringify({ lockfileVersion: 1, plugins })

describe('refuses', () => {
  it.each<[string, string, string]>([
    [
      'half a file',
      '{"lockfile',
      `L is no JSON: Unterminated string in JSON at position 10 (line 1 column 11); ${restore}`,
    ],
    ['a newer one', '{"lockfileVersion":2}', 'L has version 2, which a newer mcm wrote; this one reads version 1'],
    [
      'an older one',
      '{"lockfileVersion":0,"plugins":{}}',
      `L is not valid: lockfileVersion must be 1, is 0; ${restore}`,
    ],
    ['a broken digest', text({ a: { ...entry, tree: 'md5' } }), `L is not valid: plugins.a.tree `],
    [
      'unknown fields',
      text({ a: { ...entry, more: 1 } }),
      `L is not valid: plugins.a.more is not a known field; ${restore}`,
    ],
    [
      'a package in the tree whose path leads out',
      text({ a: { ...entry, packages: { 'node_modules/b/../../../c': { version: '1.0.0' } } } }),
      `L is not valid: plugins.a.packages["node_modules/b/../../../c"] is not a known field; ${restore}`,
    ],
    ['a name that leads out', text({ '../x': entry }), 'L names "../x" "1.0.0", which npm forbids'],
    ['a scope that leads out', text({ '@a/..': entry }), 'L names "@a/.." "1.0.0", which npm forbids'],
    [
      'a version that leads out',
      text({ a: { ...entry, version: '1/../..' } }),
      'L names "a" "1/../..", which npm forbids',
    ],
  ])('%s', (_, content, message) => {
    expect(() => parseLockFile(content, 'L')).toThrow(message)
  })

  it('a lock file that cannot be read, but not a folder that is a file', async () => {
    await writeFile(join(folder, 'file'), '')
    expect(await readLockFile(join(folder, 'file', 'lock.json'))).toEqual({})
    await expect(readLockFile(folder)).rejects.toThrow('the lock file cannot be read: EISDIR')
  })
})
