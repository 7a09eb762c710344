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
  expect(refusedByPolicy({ name: 'a', isLocked: true }, policy)).toBeUndefined()
  expect(refusedByPolicy({ name: 'a' }, policy)).toMatch(/wants a lock file/)
})
