import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { lockedSpec, parsePluginSpec } from './plugin-spec.ts'

let folder: string
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'mcm-spec-')))
  await mkdir(join(folder, 'plugin'))
  await writeFile(join(folder, 'a.tgz'), '')
})
afterAll(async () => await rm(folder, { recursive: true }))

it.each<[string, string, string]>([
  ['acme', 'registry', 'acme'],
  ['@acme/plugin@^1', 'registry', '@acme/plugin@^1'],
  ['@acme/plugin@>=1 <3', 'registry', '@acme/plugin@>=1 <3'],
  ['acme@next', 'registry', 'acme@next'],
  ['plugin', 'registry', 'plugin'],
  ['./plugin', 'folder', 'file:../plugin'],
  ['.', 'folder', 'file:..'],
  ['a.tgz', 'tarball', 'file:../a.tgz'],
  ['file:a.tgz', 'tarball', 'file:../a.tgz'],
])('%s is a %s', async (text, source, spec) => {
  expect(lockedSpec(await parsePluginSpec(text, folder), join(folder, 'plugins'))).toEqual({ spec, source })
})

it.each([
  ['./none', /^\.\/none: there is no .*\/none$/],
  ['git+ssh://git@example.com/x.git', /^a URL cannot be installed; /],
  ['https://me:pw@example.com/x.tgz', /^(?!.*pw)a URL cannot be installed; /],
  ['@Acme/../x', /^"@Acme\/\.\.\/x" cannot be installed; /],
  ['acme@file:../x', /cannot be installed/],
  ['--global', /cannot be installed/],
  ['acme/repo', /cannot be installed/],
])('%s is refused', async (text, message) => {
  await expect(parsePluginSpec(text, folder)).rejects.toThrow(message)
})
