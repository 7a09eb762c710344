import { create, type DescField, type DescMessage, type MessageShape, ScalarType } from '@bufbuild/protobuf'
import { FeatureSet_FieldPresence } from '@bufbuild/protobuf/wkt'

/**
 * Turns a contract message into a plain object in its JSON form, except that bytes stay bytes. Fields that are not set
 * are absent. Opaque parts (`Struct`, bytes, maps of scalars) are handed on, not copied. Fields that this version of
 * the contract does not know are dropped: no plugin could have been written against them.
 */
export function toPlain<D extends DescMessage>(schema: D, message: MessageShape<D>): Record<string, unknown> {
  const plain: Record<string, unknown> = {}
  for (const field of fieldsOf(schema)) {
    const value: unknown = Reflect.get(message, field.localName)
    if (isUnset(value, field.hasPresence)) continue
    plain[field.jsonName] = field.child
      ? mapValue(value, field.child.many, (item) => field.child?.toPlain(item))
      : value
  }
  return plain
}

/**
 * The reverse of {@link toPlain}. Throws a TypeError that names the path where the object has a field that the message
 * does not have, or a wrong kind of value.
 */
export function fromPlain<D extends DescMessage>(schema: D, plain: object, path = ''): MessageShape<D> {
  const fields = fieldsOf(schema)
  const known = new Set(fields.map((field) => field.jsonName))
  const unknown = Object.keys(plain).find((key) => !known.has(key))
  if (unknown !== undefined) throw new TypeError(`${schema.name} has no field ${path}${unknown}`)
  const message = create(schema)
  for (const { jsonName, localName, kind, child } of fields) {
    const value: unknown = Reflect.get(plain, jsonName)
    if (value === undefined) continue
    const at = path + jsonName
    if (!isOfKind(value, kind)) throw new TypeError(`${at} must be ${kind}`)
    Reflect.set(
      message,
      localName,
      child ? mapValue(value, child.many, (item, i) => child.fromPlain(item, at + i)) : value,
    )
  }
  return message
}

/** One field, looked at once per message type, since this runs for every call. */
interface PlainField {
  localName: string
  jsonName: string
  hasPresence: boolean
  kind: Kind
  /** Conversions of a message; other values are handed on as they are. */
  child?: { many: boolean; toPlain(message: unknown): unknown; fromPlain(plain: unknown, path: string): unknown }
}

type Kind =
  | (typeof scalarKinds)[number]
  | 'an object'
  | 'an object of texts'
  | 'an object of bytes'
  | 'a list'
  | 'a list of texts'

const scalarKinds = ['a text', 'true or false', 'bytes', 'a number'] as const

const cache = new WeakMap<DescMessage, PlainField[]>()

function fieldsOf(schema: DescMessage): PlainField[] {
  let fields = cache.get(schema)
  if (!fields) {
    fields = schema.fields.map(plainField)
    cache.set(schema, fields)
  }
  return fields
}

function plainField(field: DescField): PlainField {
  const { localName, jsonName } = field
  const plain = {
    localName,
    jsonName,
    hasPresence: field.presence !== FeatureSet_FieldPresence.IMPLICIT,
    kind: kindOf(field),
  }
  const message = field.message
  // A Struct is a JSON object in the generated code already.
  if (!message || message.typeName === 'google.protobuf.Struct') return plain
  const child = {
    many: field.fieldKind === 'list',
    toPlain: (value: unknown) => toPlain(message, value as MessageShape<typeof message>),
    fromPlain: (value: unknown, path: string) => {
      if (!isOfKind(value, 'an object')) throw new TypeError(`${path} must hold objects`)
      return fromPlain(message, value as object, `${path}.`)
    },
  }
  return { ...plain, child }
}

function kindOf(field: DescField): Kind {
  if (field.fieldKind === 'map') return field.scalar === ScalarType.BYTES ? 'an object of bytes' : 'an object of texts'
  if (field.fieldKind === 'list') return field.scalar === ScalarType.STRING ? 'a list of texts' : 'a list'
  if (field.fieldKind === 'message') return 'an object'
  if (field.scalar === ScalarType.STRING) return 'a text'
  if (field.scalar === ScalarType.BOOL) return 'true or false'
  return field.scalar === ScalarType.BYTES ? 'bytes' : 'a number'
}

function isOfKind(value: unknown, kind: Kind): boolean {
  switch (kind) {
    case 'a text':
      return typeof value === 'string'
    case 'true or false':
      return typeof value === 'boolean'
    case 'a number':
      return typeof value === 'number'
    case 'bytes':
      return value instanceof Uint8Array
    case 'a list':
      return Array.isArray(value)
    case 'a list of texts':
      return Array.isArray(value) && value.every((item) => typeof item === 'string')
    case 'an object':
      // A list, a Map, bytes: what can be iterated has no fields, and would pass as empty.
      return typeof value === 'object' && value !== null && !(Symbol.iterator in value)
    case 'an object of texts':
      return isOfKind(value, 'an object') && Object.values(value as object).every((item) => typeof item === 'string')
    case 'an object of bytes':
      return isOfKind(value, 'an object') && Object.values(value as object).every((item) => item instanceof Uint8Array)
  }
}

/** @param convert Is given where an item stands too: `[1]`, or nothing when there is but one. */
function mapValue(value: unknown, many: boolean, convert: (item: unknown, at: string) => unknown): unknown {
  return many && Array.isArray(value) ? value.map((item, i) => convert(item, `[${i}]`)) : convert(value, '')
}

function isUnset(value: unknown, hasPresence: boolean): boolean {
  if (value === undefined) return true
  if (hasPresence) return false
  if (value === '' || value === 0 || value === false) return true
  if (Array.isArray(value)) return value.length === 0
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}
