import { ProtocolError } from './errors.ts'

/** Longest string that either side of the protocol accepts, in bytes. */
export const maxStringBytes = 4_194_304

/** Writes values in XDR (RFC 4506): big-endian, everything in units of four bytes. */
export class XdrWriter {
  #buffer = Buffer.alloc(256)
  #length = 0

  u32(value: number): void {
    checkInteger(value, 0, 0xffff_ffff)
    this.#grow(4)
    this.#length = this.#buffer.writeUInt32BE(value, this.#length)
  }

  i32(value: number): void {
    checkInteger(value, -0x8000_0000, 0x7fff_ffff)
    this.#grow(4)
    this.#length = this.#buffer.writeInt32BE(value, this.#length)
  }

  u64(value: bigint): void {
    if (value < 0n || value > 0xffff_ffff_ffff_ffffn) throw new RangeError(`${value} is not an unsigned 64-bit number`)
    this.#grow(8)
    this.#length = this.#buffer.writeBigUInt64BE(value, this.#length)
  }

  fixedOpaque(bytes: Uint8Array): void {
    const padded = paddedLength(bytes.byteLength)
    this.#grow(padded)
    this.#buffer.set(bytes, this.#length)
    this.#buffer.fill(0, this.#length + bytes.byteLength, this.#length + padded)
    this.#length += padded
  }

  opaque(bytes: Uint8Array, maxBytes: number): void {
    if (bytes.byteLength > maxBytes) throw new RangeError(`${bytes.byteLength} bytes exceed the limit of ${maxBytes}`)
    this.u32(bytes.byteLength)
    this.fixedOpaque(bytes)
  }

  string(value: string, maxBytes = maxStringBytes): void {
    // The other side is C: it would silently take everything after a NUL away.
    if (value.includes('\0')) throw new RangeError('a string with a NUL character cannot be sent')
    if (!value.isWellFormed()) throw new RangeError('a string with half a surrogate pair cannot be sent')
    this.opaque(Buffer.from(value, 'utf8'), maxBytes)
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length)
  }

  #grow(bytes: number): void {
    const needed = this.#length + bytes
    if (needed <= this.#buffer.byteLength) return
    const larger = Buffer.alloc(Math.max(needed, this.#buffer.byteLength * 2))
    larger.set(this.bytes())
    this.#buffer = larger
  }
}

/** Reads XDR from bytes of unknown intent: every length is checked before it is believed. */
export class XdrReader {
  readonly #buffer: Buffer
  #offset = 0

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get remaining(): number {
    return this.#buffer.byteLength - this.#offset
  }

  u32(): number {
    return this.#buffer.readUInt32BE(this.#advance(4))
  }

  i32(): number {
    return this.#buffer.readInt32BE(this.#advance(4))
  }

  u64(): bigint {
    return this.#buffer.readBigUInt64BE(this.#advance(8))
  }

  fixedOpaque(bytes: number): Uint8Array {
    const start = this.#advance(paddedLength(bytes))
    return this.#buffer.subarray(start, start + bytes)
  }

  opaque(maxBytes: number): Uint8Array {
    const length = this.u32()
    if (length > maxBytes) throw new ProtocolError(`a value of ${length} bytes exceeds the limit of ${maxBytes}`)
    return this.fixedOpaque(length)
  }

  /** Bytes that are not UTF-8 become replacement characters: one odd name must not spoil a whole list. */
  string(maxBytes = maxStringBytes): string {
    return Buffer.from(this.opaque(maxBytes)).toString('utf8')
  }

  /** The length of an array. Each element takes four bytes or more, so a count beyond that is a lie. */
  count(maxItems: number): number {
    const count = this.u32()
    if (count > maxItems) throw new ProtocolError(`an array of ${count} items exceeds the limit of ${maxItems}`)
    if (count * 4 > this.remaining) throw new ProtocolError(`an array of ${count} items in ${this.remaining} bytes`)
    return count
  }

  /** Bytes left over mean that both sides disagree about the layout. */
  end(): void {
    if (this.remaining > 0) throw new ProtocolError(`${this.remaining} bytes left over`)
  }

  #advance(bytes: number): number {
    const start = this.#offset
    if (bytes > this.remaining) throw new ProtocolError(`${bytes} bytes expected, ${this.remaining} left`)
    this.#offset = start + bytes
    return start
  }
}

function paddedLength(bytes: number): number {
  return Math.ceil(bytes / 4) * 4
}

function checkInteger(value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`${value} is not an integer between ${min} and ${max}`)
  }
}
