import { describe, expect, test } from 'vitest'
import {
  byteCount,
  type Codec,
  decodeValue,
  encodeValue,
  flag,
  i32,
  list,
  optional,
  struct,
  text,
  u32,
  u64,
  uuid,
} from './codec.ts'
import { ProtocolError } from './errors.ts'
import { XdrReader, XdrWriter } from './xdr.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const bytes = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')
const someUuid = '6ba7b810-9dad-11d1-80b4-00c04fd430c8'

function row<T>(name: string, codec: Codec<T>, value: T, wire: string) {
  const encode = () => hex(encodeValue(codec, value))
  const decode = () => decodeValue(codec, bytes(wire))
  return { name, encode, decode, value, wire: wire.replaceAll(' ', '') }
}

describe('values on the wire', () => {
  test.each([
    row('u32', u32, 0xffff_fffe, 'fffffffe'),
    row('i32', i32, -2, 'fffffffe'),
    row('u64', u64, 2n ** 64n - 1n, 'ffffffff ffffffff'),
    row('byte count', byteCount, 2 ** 53 - 1, '001fffff ffffffff'),
    row('flag', flag, true, '00000001'),
    row('empty string', text, '', '00000000'),
    row('string with padding', text, 'abcde', '00000005 61626364 65000000'),
    row('string without padding', text, 'é&"', '00000004 c3a92622'),
    row('uuid', uuid, someUuid, someUuid.replaceAll('-', '')),
    row('absent', optional(text), undefined, '00000000'),
    row('present', optional(i32), 7, '00000001 00000007'),
    row('array', list(u32, 2), [1, 2], '00000002 00000001 00000002'),
    row('struct', struct({ name: text, id: i32 }), { name: 'a', id: -1 }, '00000001 61000000 ffffffff'),
  ])('$name', ({ encode, decode, value, wire }) => {
    expect(encode()).toBe(wire)
    expect(decode()).toEqual(value)
  })

  test('a writer grows', () => {
    const long = 'x'.repeat(100_000)
    expect(decodeValue(text, encodeValue(text, long))).toBe(long)
  })

  test('bytes that are not UTF-8 do not spoil the rest', () => {
    expect(decodeValue(struct({ a: text, b: u32 }), bytes('00000001 ff000000 00000005'))).toEqual({ a: '�', b: 5 })
  })
})

describe('hostile bytes', () => {
  test.each([
    ['nothing at all', u32, ''],
    ['half a word', u32, '0000'],
    ['half a hyper', u64, '00000000 0000'],
    ['a string longer than what is there', text, '00000010 61626364'],
    ['a string without its padding', text, '00000001 61'],
    ['a string beyond the limit', text, '00400001'],
    ['a string of "negative" length', text, 'ffffffff 61626364'],
    ['half a uuid', uuid, '00000000 00000000'],
    ['a presence that is neither', optional(u32), '00000002 00000000'],
    ['an array beyond its limit', list(u32, 2), '00000003 00000000 00000000 00000000'],
    ['an array longer than what is there', list(u32, 16_384), '00004000 00000000'],
    ['an array of "negative" length', list(u32, 16_384), 'ffffffff'],
    ['a size that a number cannot hold', byteCount, 'ffffffff ffffffff'],
    ['bytes left over', u32, '00000000 00000000'],
  ] as Array<[string, Codec<unknown>, string]>)('%s', (_name, codec, wire) => {
    expect(() => decodeValue(codec, bytes(wire))).toThrow(ProtocolError)
  })

  test('an opaque value has the limit of its place', () => {
    expect(() => new XdrReader(bytes('00000005 0102030405000000')).opaque(4)).toThrow(ProtocolError)
    expect(hex(new XdrReader(bytes('00000004 01020304')).opaque(4))).toBe('01020304')
  })
})

test.each([
  ['NUL in a string', () => encodeValue(text, 'a\0b')],
  ['half a surrogate pair', () => encodeValue(text, '\ud800')],
  ['a string beyond the limit', () => new XdrWriter().string('x'.repeat(5), 4)],
  ['a number beyond 32 bits', () => encodeValue(u32, 2 ** 32)],
  ['a fraction', () => encodeValue(i32, 1.5)],
  ['a negative size', () => encodeValue(byteCount, -1)],
  ['a hyper beyond 64 bits', () => encodeValue(u64, 2n ** 64n)],
  ['not a uuid', () => encodeValue(uuid, `${someUuid}0`)],
  ['too many items', () => encodeValue(list(u32, 1), [1, 2])],
])('is not sent: %s', (_name, encode) => {
  expect(encode).toThrow(RangeError)
})
