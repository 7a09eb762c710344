import type { Violation } from '../errors/machine-error.ts'
import type { JsonObject, JsonValue } from '../model/kubernetes.ts'
import type { Static, TSchema } from '../typebox.ts'

/**
 * Reads a providerSpec as a Go provider's decoder does: names match in any case, the later spelling of a name wins and
 * objects are merged, null means absent, unknown fields are ignored. What has the wrong type is left out and reported.
 *
 * @param schema Says the names and types, in objects, lists and maps of texts. Its other keywords are not looked at, but
 *   for the least and greatest number.
 * @example
 * const { spec, violations } = decodeSpec({ ZONE: 'a', zone: 'b' }, Type.Object({ zone: Type.Optional(Type.String()) }))
 */
export function decodeSpec<Spec extends TSchema>(
  raw: JsonObject,
  schema: Spec,
): { spec: Static<Spec>; violations: Violation[] } {
  const violations: Violation[] = []
  // The schema library's type has no names for what it holds.
  const spec = decodeObject(raw, schema as unknown as Schema, 'providerSpec', {}, violations)
  // Just read by this very schema.
  return { spec: spec as Static<Spec>, violations }
}

/** What is read of a JSON Schema here. */
interface Schema {
  type?: string | readonly string[]
  properties?: Readonly<Record<string, Schema>>
  patternProperties?: object
  items?: Schema
  minimum?: number
  maximum?: number
}

function decodeObject(
  raw: JsonObject,
  schema: Schema,
  path: string,
  known: JsonObject,
  violations: Violation[],
): JsonObject {
  const names = new Map(Object.keys(schema.properties ?? {}).map((name) => [name.toLowerCase(), name]))
  for (const [key, value] of Object.entries(raw)) {
    const name = names.get(key.toLowerCase())
    const property = name === undefined ? undefined : schema.properties?.[name]
    if (name === undefined || !property || value === null) continue
    const decoded = decodeValue(value, property, `${path}.${name}`, known[name], violations)
    if (decoded !== undefined) known[name] = decoded
  }
  return known
}

function decodeValue(
  value: JsonValue,
  schema: Schema,
  path: string,
  known: JsonValue | undefined,
  violations: Violation[],
): JsonValue | undefined {
  const type = [schema.type].flat()[0]
  if (!isOfType(value, type)) {
    violations.push({ path, message: `must be ${articles[type ?? ''] ?? 'of another type'}` })
    return undefined
  }
  const { minimum = -Infinity, maximum = Infinity } = schema
  if (typeof value === 'number' && (value < minimum || value > maximum)) {
    violations.push({ path, message: `must be from ${minimum} to ${maximum}` })
    return undefined
  }
  if (Array.isArray(value)) {
    const item = schema.items ?? {}
    return value.flatMap((element, i) => {
      const at = `${path}[${i}]`
      // As in Go, a null among objects is an empty one, and among texts an empty text.
      const given = element ?? (item.type === 'string' ? '' : {})
      return decodeValue(given, item, at, undefined, violations) ?? []
    })
  }
  if (typeof value !== 'object' || value === null) return value
  const before = isOfType(known, 'object') ? known : {}
  if (schema.properties) return decodeObject(value, schema, path, { ...before }, violations)
  const texts = Object.entries(value).filter(([key, text]) => {
    if (typeof text === 'string' || text === null) return true
    violations.push({ path: `${path}["${key}"]`, message: 'must be a text' })
    return false
  })
  return { ...before, ...Object.fromEntries(texts.map(([key, text]) => [key, text ?? ''])) }
}

const articles: Record<string, string> = {
  string: 'a text',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
}

function isOfType(value: JsonValue | undefined, type: 'object'): value is JsonObject
function isOfType(value: JsonValue | undefined, type: string | undefined): boolean
function isOfType(value: JsonValue | undefined, type: string | undefined): boolean {
  switch (type) {
    case 'integer':
      return Number.isInteger(value)
    case 'array':
      return Array.isArray(value)
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value)
    default:
      return typeof value === type
  }
}
