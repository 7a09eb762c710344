import { describe, expect, it } from 'vitest'
import { aliasesOf, isRequired, type SecretKey, secretReader } from './secret.ts'

const keys = { token: { required: true, aliases: ['apiToken', 'oldToken'] }, userData: 'optional' } as const

const reader = (data: Record<string, string | Uint8Array>) =>
  secretReader(keys, Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value)])))

describe('secretReader', () => {
  it.each<[string, Record<string, string>, string, boolean]>([
    ['the key itself', { token: 'a', apiToken: 'b' }, 'a', true],
    ['the first alias', { oldToken: 'c', apiToken: 'b' }, 'b', true],
    ['an alias rather than an empty key', { token: '', oldToken: 'c' }, 'c', true],
    ['an empty key rather than nothing', { token: '' }, '', true],
    ['nothing', { other: 'x' }, '', false],
  ])('reads %s', (_, data, text, has) => {
    expect({ text: reader(data).text('token'), has: reader(data).has('token') }).toEqual({ text, has })
  })

  it('trims texts, but not user data', () => {
    const secret = reader({ token: ' \n tok en\r\n', userData: '#!/bin/sh\n\n' })
    expect([secret.text('token'), secret.text('userData')]).toEqual(['tok en', '#!/bin/sh\n\n'])
  })

  it('gives bytes as they are', () => {
    expect(reader({ token: new Uint8Array([0, 255, 10]) }).bytes('token')).toEqual(Buffer.from([0, 255, 10]))
    expect(reader({}).bytes('token')).toBeUndefined()
  })

  it('does not read what every object has', () => {
    expect(secretReader({ constructor: 'optional' }, {}).has('constructor')).toBe(false)
  })
})

it.each<[SecretKey, boolean, string[]]>([
  ['required', true, []],
  ['optional', false, []],
  [{ required: true }, true, []],
  [{ required: false, aliases: ['a'] }, false, ['a']],
])('%j is required: %s, has aliases %j', (key, required, aliases) => {
  expect([isRequired(key), aliasesOf(key)]).toEqual([required, aliases])
})
