import type { Readable } from 'node:stream'
import { InstallError } from './install-error.ts'

// As much of tar as a bundle needs: plain files, with names of any length. Whatever else a tar may hold (links,
// devices, absolute paths) has no place in a bundle, so there is no code here that could be led astray by it.
//
// No library: `tar` writes what lies on disk and reads by events, and it follows GNU long names, global headers and
// base-256 sizes, each of which we would have to refuse again. `tar-stream` takes an archive without an end for whole,
// and brings a dozen packages for a runtime that is not ours. With either, the rules below stay.

const block = 512

/** A file in an archive. */
export interface TarFile {
  path: string
  isExecutable: boolean
  content: Buffer
}

/** Writes files as a tar archive; the same files give the same bytes. */
export async function* writeTar(files: AsyncIterable<TarFile> | Iterable<TarFile>): AsyncGenerator<Buffer> {
  for await (const { path, isExecutable, content } of files) {
    // The POSIX way to say a path that the header has no room for.
    if (Buffer.byteLength(path) > 100) {
      const record = paxRecord('path', path)
      yield header('PaxHeader', record.length, 0o644, 'x')
      yield padded(record)
    }
    yield header(path, content.length, isExecutable ? 0o755 : 0o644, '0')
    yield padded(content)
  }
  yield Buffer.alloc(2 * block)
}

function padded(content: Buffer): Buffer {
  return Buffer.concat([content, Buffer.alloc((block - (content.length % block)) % block)])
}

function header(path: string, size: number, mode: number, type: string): Buffer {
  const bytes = Buffer.alloc(block)
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`
  Buffer.from(path).copy(bytes, 0, 0, 100)
  bytes.write(octal(mode, 7), 100)
  bytes.write(octal(0, 7), 108)
  bytes.write(octal(0, 7), 116)
  bytes.write(octal(size, 11), 124)
  bytes.write(octal(0, 11), 136)
  bytes.write(' '.repeat(8), 148)
  bytes.write(type, 156)
  bytes.write('ustar\x0000', 257)
  bytes.write(`${octal(checksum(bytes), 6)} `, 148)
  return bytes
}

/** A record counts its own length, so the length is tried until it fits. */
function paxRecord(key: string, value: string): Buffer {
  const rest = ` ${key}=${value}\n`
  const restBytes = Buffer.byteLength(rest)
  let length = restBytes + 1
  while (String(length).length + restBytes !== length) length++
  return Buffer.from(`${length}${rest}`)
}

/** Reads the files of an archive that {@link writeTar} wrote. Refuses anything that it does not write. */
export async function* readTar(stream: Readable): AsyncGenerator<TarFile> {
  const bytes = new ByteReader(stream)
  let longPath: string | undefined
  for (;;) {
    const head = await bytes.read(block)
    if (head.every((byte) => byte === 0)) return
    if (!isHeader(head)) throw new InstallError('it is no tar archive')
    const size = Number.parseInt(text(head, 124, 12), 8)
    const type = text(head, 156, 1)
    if (!(size >= 0 && size <= maxFileBytes)) throw new InstallError('it holds a file of a size that cannot be')
    const content = (await bytes.read(size + ((block - (size % block)) % block))).subarray(0, size)
    if (type === 'x') {
      longPath = /^\d+ path=([^\0]*)\n$/.exec(content.toString())?.[1]
      if (longPath === undefined) throw new InstallError('it holds an extension that bundles do not have')
      continue
    }
    const path = longPath ?? text(head, 0, 100)
    longPath = undefined
    if (type !== '0') throw new InstallError(`${JSON.stringify(path)} in it is not a plain file`)
    if (!isInside(path)) throw new InstallError(`${JSON.stringify(path)} in it leads out of its folder`)
    yield { path, isExecutable: (Number.parseInt(text(head, 100, 8), 8) & 0o100) !== 0, content }
  }
}

/** Whether a buffer begins as a tar archive does. */
export function isHeader(head: Buffer): boolean {
  if (head.length < block || text(head, 257, 5) !== 'ustar') return false
  const blank = Buffer.from(head.subarray(0, block))
  blank.fill(' ', 148, 156)
  return checksum(blank) === Number.parseInt(text(head, 148, 8), 8)
}

// A single file of a package is far smaller; more would only fill the memory.
const maxFileBytes = 512 * 1024 * 1024

function isInside(path: string): boolean {
  return (
    path !== '' && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..' && !/[\\\0]/.test(part))
  )
}

function text(bytes: Buffer, start: number, length: number): string {
  const field = bytes.subarray(start, start + length)
  const end = field.indexOf(0)
  return field
    .subarray(0, end < 0 ? length : end)
    .toString()
    .trim()
}

function checksum(bytes: Buffer): number {
  return bytes.subarray(0, block).reduce((sum, byte) => sum + byte, 0)
}

/** Reads a stream in pieces of a wanted size. */
class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>
  #rest: Buffer[] = []
  #length = 0

  constructor(stream: Readable) {
    this.#chunks = stream[Symbol.asyncIterator]()
  }

  async read(length: number): Promise<Buffer> {
    while (this.#length < length) {
      const { value, done } = await this.#chunks.next()
      if (done) throw new InstallError('it ends too early')
      this.#rest.push(value)
      this.#length += value.length
    }
    const all = Buffer.concat(this.#rest)
    this.#rest = [all.subarray(length)]
    this.#length -= length
    return all.subarray(0, length)
  }
}
