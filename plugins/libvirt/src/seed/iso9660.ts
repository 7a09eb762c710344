/** One file of an image. */
export interface IsoFile {
  /** At most 64 characters; any case. */
  name: string
  content: Uint8Array
}

/**
 * Writes an ISO 9660 image with the given files in its root, with Joliet names beside the short ones, so that names
 * such as `user-data` survive. Layout: ECMA-119 and the Joliet specification. Small files only; all is in memory.
 *
 * @param volumeId Label of the volume, 1 to 16 of `A-Z a-z 0-9 _`; guests find a seed by it.
 */
export function iso9660(volumeId: string, files: readonly IsoFile[]): Buffer {
  if (!/^\w{1,16}$/.test(volumeId)) throw new RangeError(`${JSON.stringify(volumeId)} is no volume label`)
  const names = { short: files.map((_, i) => `FILE${i}.;1`), joliet: files.map(({ name }) => name) }
  for (const name of names.joliet)
    if (!/^[\w.-]{1,64}$/.test(name)) throw new RangeError(`${JSON.stringify(name)} is no file name`)

  const placed: Placed[] = []
  let next = firstFileSector
  for (const { content } of files) {
    placed.push({ sector: next, size: content.length })
    next += Math.max(1, Math.ceil(content.length / sectorSize))
  }
  next += paddingSectors
  const image = Buffer.alloc(next * sectorSize)
  for (const [kind, sectors] of [
    ['short', shortSectors],
    ['joliet', jolietSectors],
  ] as const) {
    const encode = kind === 'short' ? ascii : ucs2
    const root = directory(sectors.root, names[kind].map(encode), placed)
    root.copy(image, sectors.root * sectorSize)
    pathTable(sectors.root, 'LE').copy(image, sectors.pathTableLE * sectorSize)
    pathTable(sectors.root, 'BE').copy(image, sectors.pathTableBE * sectorSize)
    descriptor(kind, encode(volumeId), next, sectors).copy(image, sectors.descriptor * sectorSize)
  }
  // The set of descriptors ends here.
  image.set([255, ...ascii('CD001'), 1], terminatorSector * sectorSize)
  for (const [i, { content }] of files.entries()) image.set(content, (placed[i]?.sector ?? 0) * sectorSize)
  return image
}

interface Placed {
  sector: number
  size: number
}

interface Sectors {
  descriptor: number
  pathTableLE: number
  pathTableBE: number
  root: number
}

const sectorSize = 2048
const shortSectors: Sectors = { descriptor: 16, pathTableLE: 19, pathTableBE: 20, root: 21 }
const jolietSectors: Sectors = { descriptor: 17, pathTableLE: 22, pathTableBE: 23, root: 24 }
const terminatorSector = 18
const firstFileSector = 25
// 300 KiB, as other writers have it: readers look for many file systems, some far behind the start, and busybox gives up
// at the first look beyond the end of the disk.
const paddingSectors = 150
const pathTableSize = 10
const self = Buffer.from([0])
const parent = Buffer.from([1])

function descriptor(kind: 'short' | 'joliet', volumeId: Buffer, sectors: number, at: Sectors): Buffer {
  const bytes = Buffer.alloc(sectorSize)
  const isJoliet = kind === 'joliet'
  bytes[0] = isJoliet ? 2 : 1
  bytes.write('CD001', 1, 'ascii')
  bytes[6] = 1
  padded(isJoliet, 32).copy(bytes, 8)
  padded(isJoliet, 32, volumeId).copy(bytes, 40)
  both32(bytes, 80, sectors)
  // The escape sequence that says: names are UCS-2, level 3.
  if (isJoliet) bytes.write('%/E', 88, 'ascii')
  both16(bytes, 120, 1)
  both16(bytes, 124, 1)
  both16(bytes, 128, sectorSize)
  both32(bytes, 132, pathTableSize)
  bytes.writeUInt32LE(at.pathTableLE, 140)
  bytes.writeUInt32BE(at.pathTableBE, 148)
  record(self, at.root, sectorSize, true).copy(bytes, 156)
  // Names of the set, the publisher and others: none.
  padded(isJoliet, 623).copy(bytes, 190)
  // Four dates that are not given: zeros as digits.
  for (const offset of [813, 830, 847, 864]) bytes.write('0'.repeat(16), offset, 'ascii')
  bytes[881] = 1
  return bytes
}

function directory(sector: number, names: readonly Buffer[], files: readonly Placed[]): Buffer {
  const entries = names
    .map((name, i) => ({ name, file: files[i] ?? { sector: 0, size: 0 } }))
    // Readers may stop looking at the first name that is greater.
    .sort((a, b) => Buffer.compare(a.name, b.name))
    .map(({ name, file }) => record(name, file.sector, file.size, false))
  const bytes = Buffer.concat([
    record(self, sector, sectorSize, true),
    record(parent, sector, sectorSize, true),
    ...entries,
  ])
  if (bytes.length > sectorSize) throw new RangeError('too many files for one directory sector')
  return bytes
}

function record(name: Buffer, sector: number, size: number, isDirectory: boolean): Buffer {
  const length = 33 + name.length + (name.length % 2 === 0 ? 1 : 0)
  const bytes = Buffer.alloc(length)
  bytes[0] = length
  both32(bytes, 2, sector)
  both32(bytes, 10, size)
  // A fixed date, so that the same files give the same image: 2000-01-01.
  bytes.set([100, 1, 1, 0, 0, 0, 0], 18)
  bytes[25] = isDirectory ? 2 : 0
  both16(bytes, 28, 1)
  bytes[32] = name.length
  name.copy(bytes, 33)
  return bytes
}

function pathTable(root: number, order: 'LE' | 'BE'): Buffer {
  const bytes = Buffer.alloc(pathTableSize)
  bytes[0] = 1
  if (order === 'LE') {
    bytes.writeUInt32LE(root, 2)
    bytes.writeUInt16LE(1, 6)
  } else {
    bytes.writeUInt32BE(root, 2)
    bytes.writeUInt16BE(1, 6)
  }
  return bytes
}

function ascii(text: string): Buffer {
  return Buffer.from(text, 'ascii')
}

function ucs2(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16()
}

function padded(isJoliet: boolean, length: number, content: Buffer = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.alloc(length, isJoliet ? Buffer.from([0, 0x20]) : ' ')
  content.copy(bytes)
  return bytes
}

function both16(bytes: Buffer, offset: number, value: number): void {
  bytes.writeUInt16LE(value, offset)
  bytes.writeUInt16BE(value, offset + 2)
}

function both32(bytes: Buffer, offset: number, value: number): void {
  bytes.writeUInt32LE(value, offset)
  bytes.writeUInt32BE(value, offset + 4)
}
