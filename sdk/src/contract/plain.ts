import { create, type DescField, type DescMessage, type MessageShape } from '@bufbuild/protobuf'
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
    plain[field.jsonName] = field.child ? mapValue(value, field.child.many, field.child.toPlain) : value
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
  for (const { jsonName, localName, child } of fields) {
    const value: unknown = Reflect.get(plain, jsonName)
    if (value === undefined) continue
    const at = path + jsonName
    if (child?.many && !Array.isArray(value)) throw new TypeError(`${at} must be a list`)
    const convert = (item: unknown) => {
      if (typeof item !== 'object' || item === null) throw new TypeError(`${at} must be an object`)
      return child?.fromPlain(item, `${at}.`)
    }
    Reflect.set(message, localName, child ? mapValue(value, child.many, convert) : value)
  }
  return message
}

/** One field, looked at once per message type, since this runs for every call. */
interface PlainField {
  localName: string
  jsonName: string
  hasPresence: boolean
  child?: {
    many: boolean
    toPlain(message: unknown): unknown
    fromPlain(plain: object, path: string): unknown
  }
}

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
  const hasPresence = field.presence !== FeatureSet_FieldPresence.IMPLICIT
  const message = field.message
  // A Struct is a JSON object in the generated code already.
  if (!message || message.typeName === 'google.protobuf.Struct') return { localName, jsonName, hasPresence }
  return {
    localName,
    jsonName,
    hasPresence,
    child: {
      many: field.fieldKind === 'list',
      toPlain: (value) => toPlain(message, value as MessageShape<typeof message>),
      fromPlain: (plain, path) => fromPlain(message, plain, path),
    },
  }
}

function mapValue(value: unknown, many: boolean, convert: (item: unknown) => unknown): unknown {
  return many && Array.isArray(value) ? value.map(convert) : convert(value)
}

function isUnset(value: unknown, hasPresence: boolean): boolean {
  if (value === undefined) return true
  if (hasPresence) return false
  if (value === '' || value === 0 || value === false) return true
  if (Array.isArray(value)) return value.length === 0
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}
