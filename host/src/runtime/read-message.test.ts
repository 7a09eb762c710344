import { describe, expect, it } from 'vitest'
import { readMessage } from './read-message.ts'

const hello = { contract: 1, sdkVersion: '', provider: 'X', aliases: [], secret: {}, capabilities: [] }
const circular: Record<string, unknown> = { name: 'x' }
circular.self = circular
let doubled: unknown = 'x'
for (let i = 0; i < 40; i++) doubled = { a: doubled, b: doubled }

describe('what a plugin sends is small once it is read', () => {
  it.each<[string, unknown]>([
    ['hold themselves', circular],
    ['hold the same again and again', doubled],
  ])('fields that %s', (_, fields) => {
    const read = readMessage({ type: 'log', level: 'info', message: 'm', fields })
    expect(read).toMatchObject({ type: 'log', level: 'info', message: 'm', fields: expect.any(Object) })
    expect(JSON.stringify(read).length).toBeLessThan(100_000)
  })

  it('fields that are none are left out', () => {
    expect(readMessage({ type: 'log', id: 1, level: 'info', message: 'm', fields: ['x'] })).toEqual({
      type: 'log',
      id: 1,
      level: 'info',
      message: 'm',
    })
  })

  it('texts', () => {
    const long = 'x'.repeat(100_000)
    const [line, text] = [`${'x'.repeat(16_384)}…`, `${'x'.repeat(4096)}…`]
    expect(readMessage({ type: 'log', level: 'info', message: long })).toMatchObject({ message: line })
    expect(readMessage({ type: 'refused', reason: long })).toEqual({ type: 'refused', reason: text })
    const options = {
      reason: long,
      nodeName: long,
      violations: Array.from({ length: 1000 }, () => ({ path: long, message: long })),
      addresses: new Array(4_000_000_000),
    }
    expect(
      readMessage({ type: 'error', id: 1, error: { code: long, message: long, options, trace: long } }),
    ).toMatchObject({
      error: {
        code: text,
        message: text,
        trace: line,
        options: {
          reason: text,
          nodeName: text,
          violations: [
            ...Array.from({ length: 100 }, () => ({ path: text, message: text })),
            { path: '', message: '… and 900 more' },
          ],
          addresses: [],
        },
      },
    })
  })

  it.each<[string, unknown]>([
    ['is large', { type: 'object', description: 'x'.repeat(2 << 20) }],
    ['holds itself', circular],
    ['holds the same again and again', doubled],
  ])('a plugin whose schema %s is refused', (_, providerSpec) => {
    expect(readMessage({ type: 'hello', nonce: 'n', hello: { ...hello, providerSpec } })).toEqual({
      type: 'refused',
      reason: 'what it says about itself is larger than 1 MiB: make its schema smaller',
    })
  })

  it('a plugin of usual size is believed', () => {
    const providerSpec = { type: 'object', description: 'x'.repeat(100_000) }
    expect(readMessage({ type: 'hello', nonce: 'n', hello: { ...hello, providerSpec } })).toEqual({
      type: 'hello',
      nonce: 'n',
      hello: { ...hello, providerSpec },
    })
  })
})
