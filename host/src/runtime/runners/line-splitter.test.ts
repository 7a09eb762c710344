import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { onLines } from './line-splitter.ts'

it.each<[string, (string | Buffer)[], string[]]>([
  ['whole lines', ['a\nb\n'], ['a', 'b']],
  ['lines in parts', ['a', 'b\nc', '\n', '\nd\n'], ['ab', 'c', '', 'd']],
  ['a last line without an end', ['a\nb'], ['a', 'b']],
  ['nothing', [], []],
  ['characters in parts', [Buffer.from([0xc3]), Buffer.from([0xbc, 0x0a])], ['ü']],
  [
    'lines that are too long',
    ['x'.repeat(7), 'x'.repeat(20), 'x\nshort\n', 'y'.repeat(30)],
    ['x'.repeat(10), 'short', 'y'.repeat(10)],
  ],
])('splits %s', async (_, chunks, expected) => {
  const stream = new PassThrough()
  const lines: string[] = []
  onLines(stream, 10, (line) => lines.push(line))
  const ended = new Promise((resolve) => stream.once('end', resolve))
  for (const chunk of chunks) stream.write(chunk)
  stream.end()
  await ended
  expect(lines).toEqual(expected)
})
