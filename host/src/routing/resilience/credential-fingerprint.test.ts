import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { credentialFingerprint } from './credential-fingerprint.ts'

const bytes = (values: Record<string, string>) =>
  Object.fromEntries(Object.entries(values).map(([key, text]) => [key, Buffer.from(text)]))
const fingerprint = (values: Record<string, string>) => credentialFingerprint(bytes(values))

it('is the same for the same values, in whatever order and for whatever machine', () => {
  expect(fingerprint({ id: 'a', key: 'b' })).toMatch(/^[\w-]{43}$/)
  expect(fingerprint({ key: 'b', userData: 'of m-1', id: 'a' })).toBe(fingerprint({ id: 'a', key: 'b', userData: '' }))
})

it.each<[Record<string, string>, Record<string, string>]>([
  [{ token: 'a' }, { token: 'b' }],
  [{ token: 'a' }, { other: 'a' }],
  [{ token: 'a' }, { token: 'a', more: '' }],
  [
    { a: 'b1:c', d: '' },
    { a: 'b', c: '', d: '' },
  ],
  [
    { ab: '', c: '' },
    { a: 'b', c: '' },
  ],
  [{ a: '1:b1:c' }, { a: '', b: 'c' }],
])('tells %j and %j apart', (one, other) => {
  expect(fingerprint(one)).not.toBe(fingerprint(other))
})

it('is none where there is no credential', () => {
  expect([credentialFingerprint(undefined), fingerprint({}), fingerprint({ userData: 'x' })]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})

it('is no plain hash of the Secret, which could be guessed', () => {
  const plain = createHash('sha256').update('5:token1:').update('a').digest('base64url')
  expect(fingerprint({ token: 'a' })).not.toBe(plain)
})
