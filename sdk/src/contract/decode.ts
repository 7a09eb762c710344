import type { DescField, DescMessage } from '@bufbuild/protobuf'
import { ScalarType } from '@bufbuild/protobuf'
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt'
import type { JsonObject, JsonValue } from '../model/kubernetes.ts'

/**
 * Decodes a message of the contract into the plain object that `toPlain(fromBinary(…))` gives, without the message in
 * between. Half of a call's cost in the host was the library's way from the wire over `Value` messages to the JSON of
 * `providerSpec`. Throws where the bytes are no such message.
 */
export function decodePlain(schema: DescMessage, bytes: Uint8Array): Record<string, unknown> {
  return readMessage(new BinaryReader(bytes), bytes.length, readersOf(schema), {}, 0)
}

/** Reads one field into its object. */
type FieldReader = (reader: BinaryReader, wireType: WireType, target: Record<string, unknown>, depth: number) => void

// The limit that protobuf's own decoders have.
const maxDepth = 100

const cache = new WeakMap<DescMessage, Map<number, FieldReader>>()

function readersOf(schema: DescMessage): Map<number, FieldReader> {
  let readers = cache.get(schema)
  if (!readers) {
    readers = new Map(schema.fields.map((field) => [field.number, readerOf(field)]))
    cache.set(schema, readers)
  }
  return readers
}

function readMessage(
  reader: BinaryReader,
  length: number,
  readers: Map<number, FieldReader>,
  target: Record<string, unknown>,
  depth: number,
): Record<string, unknown> {
  const end = startOf(reader, length, depth)
  while (reader.pos < end) {
    const [number, wireType] = reader.tag()
    const read = readers.get(number)
    if (read) read(reader, wireType, target, depth)
    // Of a newer contract: no plugin could have been written against it.
    else reader.skip(wireType, number)
  }
  checkEnd(reader, end)
  return target
}

function readerOf(field: DescField): FieldReader {
  const { jsonName } = field
  if (field.fieldKind === 'map') {
    const readValue = scalarReader(field.scalar)
    return (reader, wireType, target, depth) => {
      expectLength(wireType, jsonName)
      const end = startOf(reader, reader.uint32(), depth + 1)
      let key = ''
      let value: unknown = field.scalar === ScalarType.BYTES ? new Uint8Array() : ''
      while (reader.pos < end) {
        const [number, entryType] = reader.tag()
        if (number === 1) key = reader.string()
        else if (number === 2) value = readValue(reader)
        else reader.skip(entryType, number)
      }
      checkEnd(reader, end)
      target[jsonName] ??= {}
      setOwn(target[jsonName] as Record<string, unknown>, key, value)
    }
  }
  const { message } = field
  const isList = field.fieldKind === 'list'
  if (message) {
    const isStruct = message.typeName === 'google.protobuf.Struct'
    return (reader, wireType, target, depth) => {
      expectLength(wireType, jsonName)
      const length = reader.uint32()
      // A field that comes twice is merged, as the format wants it.
      const known = isList ? undefined : (target[jsonName] as Record<string, unknown> | undefined)
      const value = isStruct
        ? readStruct(reader, length, depth + 1, known as JsonObject | undefined)
        : readMessage(reader, length, readersOf(message), known ?? {}, depth + 1)
      if (isList) appendTo(target, jsonName, value)
      else target[jsonName] = value
    }
  }
  const readValue = scalarReader(field.scalar)
  const wanted = wireTypeOf(field.scalar)
  const dropsDefault = field.presence === FeatureSet_FieldPresence.IMPLICIT && !isList
  return (reader, wireType, target) => {
    if (wireType !== wanted) throw new Error(`field ${jsonName} has wire type ${wireType}`)
    const value = readValue(reader)
    if (isList) appendTo(target, jsonName, value)
    else if (!dropsDefault || (value !== '' && value !== 0 && value !== false)) target[jsonName] = value
    else delete target[jsonName]
  }
}

function scalarReader(scalar: ScalarType | undefined): (reader: BinaryReader) => unknown {
  switch (scalar) {
    case ScalarType.STRING:
      return (reader) => reader.string()
    case ScalarType.BYTES:
      return (reader) => reader.bytes()
    case ScalarType.BOOL:
      return (reader) => reader.bool()
    case ScalarType.DOUBLE:
      return (reader) => reader.double()
    case ScalarType.INT32:
      return (reader) => reader.int32()
    default:
      throw new Error(`the contract has no fields of protobuf's scalar type ${scalar}`)
  }
}

function wireTypeOf(scalar: ScalarType | undefined): WireType {
  if (scalar === ScalarType.DOUBLE) return WireType.Bit64
  return scalar === ScalarType.STRING || scalar === ScalarType.BYTES ? WireType.LengthDelimited : WireType.Varint
}

function readStruct(reader: BinaryReader, length: number, depth: number, struct: JsonObject = {}): JsonObject {
  const end = startOf(reader, length, depth)
  while (reader.pos < end) {
    const [number, wireType] = reader.tag()
    if (number !== 1) {
      reader.skip(wireType, number)
      continue
    }
    const entryEnd = startOf(reader, reader.uint32(), depth)
    let key = ''
    let value: JsonValue = null
    while (reader.pos < entryEnd) {
      const [entryNumber, entryType] = reader.tag()
      if (entryNumber === 1) key = reader.string()
      else if (entryNumber === 2) value = readValue(reader, reader.uint32(), depth + 1)
      else reader.skip(entryType, entryNumber)
    }
    checkEnd(reader, entryEnd)
    setOwn(struct, key, value)
  }
  checkEnd(reader, end)
  return struct
}

/** A `google.protobuf.Value`. */
function readValue(reader: BinaryReader, length: number, depth: number): JsonValue {
  const end = startOf(reader, length, depth)
  let value: JsonValue = null
  while (reader.pos < end) {
    const [number, wireType] = reader.tag()
    switch (number) {
      case 1:
        reader.int32()
        value = null
        break
      case 2:
        value = reader.double()
        break
      case 3:
        value = reader.string()
        break
      case 4:
        value = reader.bool()
        break
      case 5:
        value = readStruct(reader, reader.uint32(), depth + 1)
        break
      case 6:
        value = readList(reader, reader.uint32(), depth + 1)
        break
      default:
        reader.skip(wireType, number)
    }
  }
  checkEnd(reader, end)
  return value
}

function readList(reader: BinaryReader, length: number, depth: number): JsonValue[] {
  const end = startOf(reader, length, depth)
  const list: JsonValue[] = []
  while (reader.pos < end) {
    const [number, wireType] = reader.tag()
    if (number === 1) list.push(readValue(reader, reader.uint32(), depth + 1))
    else reader.skip(wireType, number)
  }
  checkEnd(reader, end)
  return list
}

/** @returns Where the part that starts here ends. */
function startOf(reader: BinaryReader, length: number, depth: number): number {
  if (depth > maxDepth) throw new Error(`nested more than ${maxDepth} levels deep`)
  const end = reader.pos + length
  if (end > reader.len) throw new Error('the message ends too early')
  return end
}

function checkEnd(reader: BinaryReader, end: number): void {
  if (reader.pos !== end) throw new Error('a part of the message is longer than it says')
}

function expectLength(wireType: WireType, name: string): void {
  if (wireType !== WireType.LengthDelimited) throw new Error(`field ${name} has wire type ${wireType}`)
}

function appendTo(target: Record<string, unknown>, name: string, value: unknown): void {
  target[name] ??= []
  ;(target[name] as unknown[]).push(value)
}

/** An assignment to `__proto__` would not make a property. */
function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') target[key] = value
  else Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
}
