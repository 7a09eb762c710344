import { expect, test } from 'vitest'
import { cpioArchive } from './cpio-archive.ts'

test('writes records as the kernel reads them', () => {
  const archive = cpioArchive([
    { type: 'folder', path: 'bin' },
    { type: 'file', path: 'bin/a', content: Buffer.from('hello'), executable: true },
    { type: 'link', path: 'bin/b', target: 'a' },
    { type: 'device', path: 'c', major: 5, minor: 1 },
  ])

  expect(readRecords(archive)).toEqual([
    { path: 'bin', mode: 0o40755, content: '', device: [0, 0] },
    { path: 'bin/a', mode: 0o100755, content: 'hello', device: [0, 0] },
    { path: 'bin/b', mode: 0o120777, content: 'a', device: [0, 0] },
    { path: 'c', mode: 0o20600, content: '', device: [5, 1] },
    { path: 'TRAILER!!!', mode: 0, content: '', device: [0, 0] },
  ])
})

test('the same entries give the same bytes', () => {
  const archive = () => cpioArchive([{ type: 'file', path: 'a', content: Buffer.from('x') }])
  expect(archive()).toEqual(archive())
})

// Field numbers as in the kernel's buffer-format.rst; names and contents end at multiples of four.
function readRecords(archive: Buffer) {
  const records = []
  for (let at = 0; at < archive.length; ) {
    const field = (index: number) =>
      Number.parseInt(archive.toString('latin1', at + 6 + index * 8, at + 14 + index * 8), 16)
    expect(archive.toString('latin1', at, at + 6)).toBe('070701')
    const nameEnd = at + 110 + field(11)
    const start = Math.ceil(nameEnd / 4) * 4
    records.push({
      path: archive.toString('utf8', at + 110, nameEnd - 1),
      mode: field(1),
      content: archive.toString('utf8', start, start + field(6)),
      device: [field(9), field(10)],
    })
    at = start + Math.ceil(field(6) / 4) * 4
  }
  return records
}
