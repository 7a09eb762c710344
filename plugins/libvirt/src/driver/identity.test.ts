import { describe, expect, test } from 'vitest'
import { identityOf, providerIDOf, uuidOf } from './identity.ts'

const identity = (name: string, namespace = 'default', cluster = 'shoot') =>
  identityOf({ metadata: { name, namespace }, spec: {} }, { cluster })

test('is the same for ever: a change would make a second VM for each machine', () => {
  expect(identity('worker-1')).toEqual({
    cluster: 'shoot',
    namespace: 'default',
    machine: 'worker-1',
    uuid: '72a649fe-78a2-5576-b653-f4fb00936ede',
    domainName: 'shoot_default_worker-1',
    stem: 'shoot_default_worker-1',
  })
})

test('no two machines share anything', () => {
  const all = [
    identity('a'),
    identity('b'),
    identity('a', 'other'),
    identity('a', ''),
    identity('a', 'default', 'other'),
    identity('a', 'b-c', 'd'),
    identity('a', 'c', 'd-b'),
    identity('default', 'a'),
    identity('a.b', 'c'),
    identity('b', 'c', 'a.'),
  ]
  for (const part of ['uuid', 'domainName', 'stem'] as const) {
    expect(new Set(all.map((one) => one[part])).size).toBe(all.length)
  }
})

describe('names that no file or guest could have', () => {
  const hostile = [
    '',
    'a b;$(id)',
    'a/b',
    '../a',
    '.',
    'A',
    'a_b',
    'ä',
    '-a',
    'a-',
    'a\n',
    'a\0',
    'a'.repeat(64),
    'a'.repeat(300),
  ]
  test.each(hostile)('%j', (name) => {
    const wanted = (path: string) =>
      expect.objectContaining({ code: 'InvalidArgument', violations: [expect.objectContaining({ path })] })
    expect(() => identity(name)).toThrow(wanted('machine.metadata.name'))
    if (name !== '') expect(() => identity('a', name)).toThrow(wanted('machine.metadata.namespace'))
  })

  test('an error shows no more of them than is good', () => {
    expect(() => identity('x'.repeat(100_000))).toThrow(/^.{0,200}$/)
  })
})

test('a file name has room for the longest of all', () => {
  const { stem } = identity('n'.repeat(63), 's'.repeat(63), 'c'.repeat(100))
  expect(`${stem}_seed-123456789012.iso`.length).toBeLessThanOrEqual(255)
})

test('a providerID leads back to its UUID', () => {
  const { uuid } = identity('a')
  expect(providerIDOf(uuid)).toBe(`libvirt:///${uuid}`)
  expect(uuidOf(providerIDOf(uuid))).toBe(uuid)
})

test.each([
  'libvirt:///x',
  'libvirt://host/6ba7b810-9dad-11d1-80b4-00c04fd430c8',
  'libvirt:///6BA7B810-9DAD-11D1-80B4-00C04FD430C8',
  'libvirt:///6ba7b810-9dad-11d1-80b4-00c04fd430c8\n',
  'libvirt:///6ba7b810-9dad-11d1-80b4-00c04fd430c8/..',
  'aws:///eu/i-1',
])('%j is not ours', (id) => {
  expect(() => uuidOf(id)).toThrow(expect.objectContaining({ code: 'InvalidArgument' }))
})
