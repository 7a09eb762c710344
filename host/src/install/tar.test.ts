import { execFileSync } from 'node:child_process'
import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { readTar, type TarFile, writeTar } from './tar.ts'

const file = (path: string, text = 'x', isExecutable = false): TarFile => ({
  path,
  isExecutable,
  content: Buffer.from(text),
})

async function write(...files: TarFile[]): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of writeTar(files)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function read(bytes: Buffer): Promise<TarFile[]> {
  // In odd pieces, as a network or a file may bring them.
  const pieces = Array.from({ length: Math.ceil(bytes.length / 700) }, (_, i) => bytes.subarray(i * 700, (i + 1) * 700))
  const files: TarFile[] = []
  for await (const found of readTar(Readable.from(pieces))) files.push(found)
  return files
}

/** Changes a header and makes its checksum right again. */
function forge(bytes: Buffer, change: (head: Buffer) => void): Buffer {
  const head = bytes.subarray(0, 512)
  change(head)
  head.fill(' ', 148, 156)
  head.write(
    `${head
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  )
  return bytes
}

const files = [
  file('a', ''),
  file('b/c', 'y'.repeat(512), true),
  file(`d/${'ä'.repeat(99)}/${'e'.repeat(300)}`, 'z'.repeat(1025)),
  file('x'.repeat(100)),
]

it('reads what it writes, and so does tar', async () => {
  const bytes = await write(...files)
  expect(await read(bytes)).toEqual(files)
  const listed = execFileSync('tar', ['-t', '--quoting-style=literal'], { input: bytes, encoding: 'utf8' })
  expect(listed.trim().split('\n')).toEqual(files.map(({ path }) => path))
})

describe('refuses', () => {
  it.each(['../x', '/etc/x', 'a/../../x', 'a//x', './x', 'a\\..\\x', `a/../${'x'.repeat(120)}`, ''])(
    'the path %j',
    async (path) => {
      await expect(read(await write(file(path)))).rejects.toThrow('in it leads out of its folder')
    },
  )

  it.each<[string, (head: Buffer) => void, string]>([
    ['a link', (head) => head.write('2', 156), '"a" in it is not a plain file'],
    ['a hard link', (head) => head.write('1', 156), '"a" in it is not a plain file'],
    ['a device', (head) => head.write('3', 156), '"a" in it is not a plain file'],
    ['a folder', (head) => head.write('5', 156), '"a" in it is not a plain file'],
    ['an unknown extension', (head) => head.write('x', 156), 'it holds an extension that bundles do not have'],
    ['a huge file', (head) => head.write('77777777777', 124), 'it holds a file of a size that cannot be'],
    ['a size that is none', (head) => head.write('-1', 124), 'it holds a file of a size that cannot be'],
  ])('%s', async (_, change, message) => {
    await expect(read(forge(await write(file('a')), change))).rejects.toThrow(message)
  })

  it('what is no archive, or ends early, or has a wrong checksum', async () => {
    await expect(read(Buffer.alloc(600, 'x'))).rejects.toThrow('it is no tar archive')
    await expect(read((await write(file('a'))).subarray(0, 700))).rejects.toThrow('it ends too early')
    const bytes = await write(file('a'))
    bytes.write('b', 0)
    await expect(read(bytes)).rejects.toThrow('it is no tar archive')
  })
})
