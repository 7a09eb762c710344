import { expect, it } from 'vitest'
import { loggable } from './loggable.ts'

const circular: Record<string, unknown> = { name: 'x' }
circular.self = circular

it.each<[string, unknown, unknown]>([
  ['plain data', { a: 1, b: 'x', c: [true, null], d: { e: undefined } }, { a: 1, b: 'x', c: [true, null], d: {} }],
  ['what JSON does not have', { a: 1n, b: Symbol('s'), c: Number.NaN }, { a: '1n', b: 'Symbol(s)', c: Number.NaN }],
  ['functions', { f() {} }, { f: '[Function: f]' }],
  ['bytes', { a: Buffer.from('secret') }, { a: '[6 bytes]' }],
  ['dates and addresses', [new Date(0), new URL('http://x/')], [String(new Date(0)), 'http://x/']],
  ['maps and sets', { m: new Map([[1, { a: 1n }]]), s: new Set(['x']) }, { m: { 1: { a: '1n' } }, s: ['x'] }],
  [
    'what holds itself',
    circular,
    { name: 'x', self: { name: 'x', self: { name: 'x', self: { name: 'x', self: { name: 'x', self: '[…]' } } } } },
  ],
  ['long texts', 'x'.repeat(20_000), `${'x'.repeat(16_384)}…`],
  ['long lists', Array.from({ length: 200 }, (_, i) => i), Array.from({ length: 100 }, (_, i) => i)],
])('makes %s fit for a channel and a log', (_, value, expected) => {
  expect(loggable(value)).toEqual(expected)
  expect(structuredClone(loggable(value))).toEqual(expected)
})

/** So many levels, each of which holds the next one twice. */
function doubled(levels: number): unknown {
  let value: unknown = 'x'
  for (let i = 0; i < levels; i++) value = { a: value, b: value }
  return value
}

it.each<[string, unknown]>([
  ['which multiplies in depth', Array.from({ length: 100 }, () => Array.from({ length: 100 }, () => [1, 2, 3]))],
  ['which holds the same again and again', doubled(40)],
  ['of long texts', Array.from({ length: 100 }, () => 'x'.repeat(16_000))],
  ['of long keys', Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`${i}`.padEnd(100_000, 'x'), 1]))],
  ['in an array that says it has billions of items', new Array(4_000_000_000)],
  ['in a bigint', 1n << 10_000_000n],
])('cuts a lot %s', (_, value) => {
  expect(JSON.stringify(loggable(value)).length).toBeLessThan(100_000)
})

it('keeps what an error says, and its causes', () => {
  const error = Object.assign(new Error('outer', { cause: new TypeError('inner') }), { status: 503 })
  expect(loggable({ error })).toMatchObject({
    error: { message: 'outer', stack: expect.stringContaining('outer'), cause: { message: 'inner' }, status: 503 },
  })
})
