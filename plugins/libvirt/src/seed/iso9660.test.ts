import { describe, expect, test } from 'vitest'
import { iso9660 } from './iso9660.ts'

const sector = 2048

interface Found {
  readonly name: string
  readonly content: Buffer
}

/** Reads an image by ECMA-119 alone: from its descriptors by the directory to the files. */
function readIso(image: Buffer, kind: 'short' | 'joliet'): { label: string; files: Found[] } {
  const decode = (bytes: Buffer) =>
    kind === 'short' ? bytes.toString('ascii') : Buffer.from(bytes).swap16().toString('utf16le')
  for (let at = 16 * sector; ; at += sector) {
    expect(image.toString('ascii', at + 1, at + 6)).toBe('CD001')
    const type = image[at]
    if (type === 255) throw new Error(`no ${kind} descriptor`)
    const isJoliet = image.toString('ascii', at + 88, at + 91) === '%/E'
    if (type === (kind === 'short' ? 1 : 2) && isJoliet === (kind === 'joliet')) {
      const label = decode(image.subarray(at + 40, at + 72)).trimEnd()
      expect(both32(image, at + 80) * sector).toBe(image.length)
      expect(both16(image, at + 128)).toBe(sector)
      return { label, files: readDirectory(image, at + 156, decode) }
    }
  }
}

function readDirectory(image: Buffer, root: number, decode: (bytes: Buffer) => string): Found[] {
  const start = both32(image, root + 2) * sector
  const end = start + both32(image, root + 10)
  const found: Found[] = []
  for (let at = start; at < end && image[at] !== 0; at += image[at] ?? 1) {
    const nameLength = image[at + 32] ?? 0
    const name = image.subarray(at + 33, at + 33 + nameLength)
    // The folder itself and the one above it.
    if (nameLength === 1 && (name[0] ?? 2) < 2) continue
    const begin = both32(image, at + 2) * sector
    found.push({ name: decode(name), content: image.subarray(begin, begin + both32(image, at + 10)) })
  }
  return found
}

/** A number in both byte orders, one after the other. */
function both32(image: Buffer, at: number): number {
  expect(image.readUInt32LE(at)).toBe(image.readUInt32BE(at + 4))
  return image.readUInt32LE(at)
}

function both16(image: Buffer, at: number): number {
  expect(image.readUInt16LE(at)).toBe(image.readUInt16BE(at + 2))
  return image.readUInt16LE(at)
}

const file = (name: string, content: string | Buffer) => ({ name, content: Buffer.from(content) })

describe('what is written is what is read', () => {
  test.each([
    ['one small file', [file('meta-data', 'a: b\n')]],
    ['an empty file between others', [file('a', 'x'), file('empty', ''), file('z', 'y')]],
    ['a file of exactly one sector', [file('full', Buffer.alloc(sector, 7)), file('next', 'n')]],
    ['one byte more than a sector', [file('more', Buffer.alloc(sector + 1, 7)), file('next', 'n')]],
    ['a large file', [file('user-data', Buffer.alloc(1_000_003, 'abc')), file('meta-data', 'm')]],
    ['the longest name', [file('n'.repeat(64), 'x')]],
    ['names that only differ in case', [file('README', '1'), file('readme', '2')]],
    ['no file', []],
  ])('%s', (_what, files) => {
    const image = iso9660('cidata', files)
    const { label, files: found } = readIso(image, 'joliet')
    expect(label).toBe('cidata')
    expect(new Map(found.map(({ name, content }) => [name, content.toString('latin1')]))).toEqual(
      new Map(files.map(({ name, content }) => [name, content.toString('latin1')])),
    )
    const short = readIso(image, 'short')
    expect(short.label).toBe('cidata')
    expect(short.files.map(({ content }) => content.length).sort()).toEqual(
      files.map(({ content }) => content.length).sort(),
    )
  })
})

test('names are in order, as readers expect them', () => {
  const image = iso9660('x', [file('z', ''), file('a', ''), file('m', '')])
  expect(readIso(image, 'joliet').files.map(({ name }) => name)).toEqual(['a', 'm', 'z'])
})

test('the same files give the same image', () => {
  const make = () => iso9660('cidata', [file('a', 'one'), file('b', 'two')])
  expect(make().equals(make())).toBe(true)
})

test.each(['', 'a/b', '../x', 'a b', 'ä', 'a\0', 'a\nb', ';1', 'n'.repeat(65)])('the name %j is refused', (name) => {
  expect(() => iso9660('cidata', [file(name, '')])).toThrow(RangeError)
})

test.each(['', 'a b', 'ä', 'l'.repeat(17)])('the label %j is refused', (label) => {
  expect(() => iso9660(label, [])).toThrow(RangeError)
})

test('more files than a directory of one sector holds are refused', () => {
  const files = Array.from({ length: 40 }, (_, i) => file(`${'n'.repeat(60)}${i}`, ''))
  expect(() => iso9660('cidata', files)).toThrow('too many files')
})
