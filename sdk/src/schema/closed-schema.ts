type Schema = Record<string, unknown>

/**
 * A schema whose objects refuse what they do not name, so that a misspelt field is an error and not a surprise. An
 * object that says otherwise with `additionalProperties` stays open. What is `writeOnly` is so with all its parts.
 *
 * Objects that are made of several schemas (`allOf`, or alternatives beside own properties) are closed as a whole, not
 * part by part: each part knows only its own fields.
 */
export function closedSchema(schema: Schema): Schema {
  return close(schema, { isPart: false, isSecret: false, shared: referencesInParts(schema, false) })
}

interface Place {
  /** It describes some of an object's fields, and another schema the others. */
  isPart: boolean
  isSecret: boolean
  /** References such as `#/$defs/x` that some part uses: those are not closed, since they are parts too. */
  shared: ReadonlySet<string>
}

function close(schema: Schema, place: Place, pointer = '#'): Schema {
  const isSecret = place.isSecret || schema.writeOnly === true
  const inner = { isPart: false, isSecret, shared: place.shared }
  const closed: Schema = { ...schema, ...(isSecret && { writeOnly: true }) }
  for (const [key, value] of Object.entries(schema)) {
    if (mapKeywords.has(key) && isSchema(value)) {
      closed[key] = mapValues(value, (child, name) => {
        const at = `${pointer}/${key}/${name}`
        return close(child, { ...inner, isPart: place.shared.has(at) }, at)
      })
    } else if (listKeywords.has(key) && Array.isArray(value)) {
      const isPart = isPartKeyword(key, schema, place.isPart)
      closed[key] = value.map((child) => (isSchema(child) ? close(child, { ...inner, isPart }) : child))
    } else if (partKeywords.has(key) && isSchema(value)) {
      closed[key] = close(value, { ...inner, isPart: true })
    } else if (schemaKeywords.has(key) && isSchema(value)) {
      closed[key] = close(value, inner)
    }
  }
  if (place.isPart || openness.some((key) => key in schema) || !describesFields(schema)) return closed
  // `additionalProperties` does not see the fields of parts, `unevaluatedProperties` does.
  const isComposed = [...partKeywords, 'allOf', 'anyOf', 'oneOf', '$ref', 'dependentSchemas'].some(
    (key) => key in schema,
  )
  return { ...closed, [isComposed ? 'unevaluatedProperties' : 'additionalProperties']: false }
}

const openness = ['additionalProperties', 'unevaluatedProperties']
const mapKeywords = new Set(['properties', 'patternProperties', '$defs', 'definitions'])
const listKeywords = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems'])
const partKeywords = new Set(['then', 'else'])
const schemaKeywords = new Set([
  'items',
  'contains',
  'additionalProperties',
  'unevaluatedProperties',
  'unevaluatedItems',
])

/** Whether the schemas in a list describe the same object as the schema around them. */
function isPartKeyword(key: string, schema: Schema, isPart: boolean): boolean {
  if (key === 'prefixItems') return false
  return key === 'allOf' || isPart || describesFields(schema)
}

/** Whether a schema names fields of an object, itself or in parts. A pure choice does not: its alternatives do. */
function describesFields(schema: Schema): boolean {
  if (isSchema(schema.properties)) return true
  const { allOf } = schema
  return Array.isArray(allOf) && allOf.some((part) => isSchema(part) && ('$ref' in part || describesFields(part)))
}

function referencesInParts(schema: Schema, isPart: boolean, found = new Set<string>()): Set<string> {
  if (isPart && typeof schema.$ref === 'string') found.add(schema.$ref)
  for (const [key, value] of Object.entries(schema)) {
    const children = Array.isArray(value)
      ? value
      : mapKeywords.has(key) && isSchema(value)
        ? Object.values(value)
        : [value]
    const areParts = partKeywords.has(key) || (listKeywords.has(key) && isPartKeyword(key, schema, isPart))
    for (const child of children) if (isSchema(child)) referencesInParts(child, areParts, found)
  }
  return found
}

function mapValues(object: Schema, map: (value: Schema, key: string) => Schema): Schema {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [key, isSchema(value) ? map(value, key) : value]),
  )
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
