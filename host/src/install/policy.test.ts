import { expect, it } from 'vitest'
import { refusedByPolicy } from './policy.ts'

const names = ['@acme/plugin', '@acme/plugin/x', '@acmes/plugin', 'acme', 'acme.x', 'acmexx']

it.each<[string[] | undefined, string[]]>([
  [undefined, names],
  [[], []],
  [['@acme/*'], ['@acme/plugin']],
  [
    ['acme.*', 'acme'],
    ['acme', 'acme.x'],
  ],
  [['@*/plugin'], ['@acme/plugin', '@acmes/plugin']],
  [['*'], ['acme', 'acme.x', 'acmexx']],
])('%j allows %j', (allow, allowed) => {
  const policy = { requireIntegrity: false, ...(allow && { allow }) }
  expect(names.filter((name) => refusedByPolicy({ name }, policy) === undefined)).toEqual(allowed)
})

it('can want a lock file', () => {
  const policy = { requireIntegrity: true }
  expect(refusedByPolicy({ name: 'a', tree: 'sha256-1' }, policy)).toBeUndefined()
  expect(refusedByPolicy({ name: 'a' }, policy)).toMatch(/wants a lock file/)
})

it.each<[string[], string | undefined, RegExp | undefined]>([
  [['https://github.com/acme/*'], 'https://github.com/acme/plugin', undefined],
  [
    ['https://github.com/acme/*'],
    'https://github.com/acmes/plugin',
    /it was built from https:\/\/github\.com\/acmes\/plugin$/,
  ],
  [['https://github.com/acme/*'], 'https://github.com/acme/a/b', /it was built from/],
  [['*', 'https://*'], undefined, /nothing proves where it was built$/],
  [[], 'https://github.com/acme/plugin', /wants it built from nowhere: the list is empty/],
])('can want that a plugin was built from %j, not from %s', (requireProvenance, repository, reason) => {
  const plugin = { name: 'a', tree: 'sha256-1', ...(repository !== undefined && { repository }) }
  const refused = refusedByPolicy(plugin, { requireIntegrity: false, requireProvenance })
  if (reason) expect(refused).toMatch(reason)
  else expect(refused).toBeUndefined()
})
