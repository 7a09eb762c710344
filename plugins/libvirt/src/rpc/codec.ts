import { ProtocolError } from './errors.ts'
import { XdrReader, XdrWriter } from './xdr.ts'

/** How one type looks on the wire. Codecs are combined, so a procedure reads like its definition in libvirt. */
export interface Codec<T> {
  encode(writer: XdrWriter, value: T): void
  decode(reader: XdrReader): T
}

/** The TypeScript type that a codec stands for. */
export type Decoded<C> = C extends Codec<infer T> ? T : never

export function encodeValue<T>(codec: Codec<T>, value: T): Uint8Array {
  const writer = new XdrWriter()
  codec.encode(writer, value)
  return writer.bytes()
}

export function decodeValue<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const reader = new XdrReader(bytes)
  const value = codec.decode(reader)
  reader.end()
  return value
}

export const u32: Codec<number> = {
  encode: (writer, value) => writer.u32(value),
  decode: (reader) => reader.u32(),
}

export const i32: Codec<number> = {
  encode: (writer, value) => writer.i32(value),
  decode: (reader) => reader.i32(),
}

export const u64: Codec<bigint> = {
  encode: (writer, value) => writer.u64(value),
  decode: (reader) => reader.u64(),
}

/** A count of bytes: 64 bits on the wire, a number here, refused where a number would lose precision (8 PiB). */
export const byteCount: Codec<number> = {
  encode(writer, value) {
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not a whole number of bytes`)
    writer.u64(BigInt(value))
  },
  decode(reader) {
    const value = Number(reader.u64())
    if (!Number.isSafeInteger(value)) throw new ProtocolError(`a size of ${value} bytes is too large`)
    return value
  },
}

export const flag: Codec<boolean> = {
  encode: (writer, value) => writer.i32(value ? 1 : 0),
  decode: (reader) => reader.i32() !== 0,
}

export const text: Codec<string> = {
  encode: (writer, value) => writer.string(value),
  decode: (reader) => reader.string(),
}

/** A UUID: sixteen bytes on the wire, lower-case text with dashes here. */
export const uuid: Codec<string> = {
  encode(writer, value) {
    if (!uuidPattern.test(value)) throw new RangeError(`'${value}' is not a UUID`)
    writer.fixedOpaque(Buffer.from(value.replaceAll('-', ''), 'hex'))
  },
  decode(reader) {
    const hex = Buffer.from(reader.fixedOpaque(16)).toString('hex')
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
  },
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export function optional<T>(codec: Codec<T>): Codec<T | undefined> {
  return {
    encode(writer, value) {
      writer.u32(value === undefined ? 0 : 1)
      if (value !== undefined) codec.encode(writer, value)
    },
    decode(reader) {
      const present = reader.u32()
      if (present > 1) throw new ProtocolError(`${present} does not say whether a value is present`)
      return present === 1 ? codec.decode(reader) : undefined
    },
  }
}

export function list<T>(codec: Codec<T>, maxItems: number): Codec<T[]> {
  return {
    encode(writer, values) {
      if (values.length > maxItems) throw new RangeError(`${values.length} items exceed the limit of ${maxItems}`)
      writer.u32(values.length)
      for (const value of values) codec.encode(writer, value)
    },
    decode(reader) {
      return Array.from({ length: reader.count(maxItems) }, () => codec.decode(reader))
    },
  }
}

type Fields = Record<string, Codec<unknown>>
type Struct<F extends Fields> = { [K in keyof F]: Decoded<F[K]> }

/** Fields one after the other, in the order in which they are written here. */
export function struct<const F extends Fields>(fields: F): Codec<Struct<F>> {
  const entries = Object.entries(fields)
  return {
    encode(writer, value) {
      for (const [name, codec] of entries) codec.encode(writer, value[name])
    },
    decode(reader) {
      // The compiler cannot see that the entries of `fields` give back exactly its keys.
      return Object.fromEntries(entries.map(([name, codec]) => [name, codec.decode(reader)])) as Struct<F>
    },
  }
}
