import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { redact, redactAll } from './redact.ts'

const secret = (texts: Record<string, string>) =>
  Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, new Uint8Array(Buffer.from(text))]))
const token = 'to"k\'en\\ \u0007 1/ü'
const pem = '-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END KEY-----\n'

describe('redact', () => {
  it.each<[string, string]>([
    ['as it is', token],
    ['in base64', Buffer.from(token).toString('base64')],
    ['in base64 for URLs', Buffer.from(token).toString('base64url')],
    ['in a URL', encodeURIComponent(token)],
    ['in JSON', JSON.stringify({ token }).slice(10, -2)],
    ['as inspect shows it', inspect({ token }).slice(9, -2).trim().slice(1, -1)],
  ])('finds a value %s', (_, form) => {
    expect(redact(`<${form}>${form}`, secret({ token }))).toBe('<[redacted: token]>[redacted: token]')
  })

  it('finds values in what JSON and inspect print of objects', () => {
    for (const text of [JSON.stringify({ a: [token] }), inspect({ a: [token] })]) {
      expect(redact(text, secret({ token }))).not.toContain('1/ü')
    }
  })

  it('finds the lines of a value of many lines', () => {
    const [, key = ''] = pem.split('\n')
    expect(redact(`  ${key}`, secret({ pem }))).toBe('  [redacted: pem]')
    expect(redact(inspect({ pem }), secret({ pem }))).not.toContain(key)
  })

  it('finds a value without the white space at its ends', () => {
    expect(redact('token=sesame!', secret({ token: ' sesame!\n' }))).toBe('token=[redacted: token]')
  })

  it('leaves nothing of a value that holds another', () => {
    expect(redact('abcdefghij abcdef', secret({ short: 'abcdef', long: 'abcdefghij' }))).toBe(
      '[redacted: long] [redacted: short]',
    )
  })

  it('leaves nothing of values that overlap', () => {
    const texts = secret({ first: 'xxabcdef', second: 'abcdefghijklmnop' })
    expect(redact('<xxabcdefghijklmnop>', texts)).toBe('<[redacted: first]>')
  })

  it('leaves short values and other text alone', () => {
    const texts = secret({ region: 'north', empty: '', spaces: '      ' })
    expect(redact('in the north of      it', texts)).toBe('in the north of      it')
    expect(redact('nothing secret', undefined)).toBe('nothing secret')
  })
})

it('redactAll goes through everything, keys too', () => {
  const value = {
    [token]: [token, { deep: `x${token}` }],
    number: 1,
    big: 2n,
    nothing: null,
    yes: true,
    none: undefined,
  }
  expect(redactAll(value, (text) => redact(text, secret({ token })))).toEqual({
    '[redacted: token]': ['[redacted: token]', { deep: 'x[redacted: token]' }],
    number: 1,
    big: '2',
    nothing: null,
    yes: true,
    none: undefined,
  })
})
