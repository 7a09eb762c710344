import { NormalizedSchema } from '@smithy/core/schema'
import { QueryError } from './query-error.ts'

/** Any schema of the SDK's generated model. */
export type Schema = Parameters<typeof NormalizedSchema.of>[0]

type Node = Map<string, Node | string>

/**
 * Reads a request by the SDK's own model. A parameter that the model does not have, or a value of the wrong type, is
 * refused, as EC2 refuses it.
 */
export function readInput(schema: Schema, params: Readonly<Record<string, string>>): Record<string, unknown> {
  const root: Node = new Map()
  for (const [name, value] of Object.entries(params)) plant(root, name.split('.'), value, name)
  return readStructure(NormalizedSchema.of(schema), root, '')
}

function plant(node: Node, [head = '', ...rest]: string[], value: string, name: string): void {
  if (rest.length === 0) {
    node.set(head, value)
    return
  }
  const child = node.get(head) ?? new Map()
  if (typeof child === 'string') throw new QueryError('InvalidParameter', `${name} is both a value and a structure`)
  node.set(head, child)
  plant(child, rest, value, name)
}

function readStructure(schema: NormalizedSchema, node: Node, path: string): Record<string, unknown> {
  const members = new Map(
    [...schema.structIterator()].map(([name, member]) => [queryName(name, member), { name, member }]),
  )
  return Object.fromEntries(
    [...node].map(([key, value]) => {
      const found = members.get(key)
      if (!found) throw new QueryError('UnknownParameter', `The parameter ${path}${key} is not recognized`)
      return [found.name, readValue(found.member, value, `${path}${key}`)]
    }),
  )
}

function readValue(schema: NormalizedSchema, value: Node | string, path: string): unknown {
  if (typeof value === 'string') return readScalar(schema, value, path)
  if (schema.isListSchema()) {
    const items = [...value].map(([key, item]) => {
      if (!/^[1-9]\d*$/.test(key))
        throw new QueryError('UnknownParameter', `The parameter ${path}.${key} is not recognized`)
      return [Number(key), readValue(schema.getValueSchema(), item, `${path}.${key}`)] as const
    })
    return items.sort(([a], [b]) => a - b).map(([, item]) => item)
  }
  if (schema.isStructSchema()) return readStructure(schema, value, `${path}.`)
  throw new QueryError('InvalidParameterValue', `${path} takes a value`)
}

function readScalar(schema: NormalizedSchema, text: string, path: string): unknown {
  const wrong = () => new QueryError('InvalidParameterValue', `Invalid value '${text}' for ${path}`)
  // Tags may have an empty value, and a spot price means "no limit" then; nothing else may be empty.
  if (text === '' && !/(^|\.)(Value|MaxPrice)$/.test(path)) throw wrong()
  if (schema.isBooleanSchema()) {
    if (text !== 'true' && text !== 'false') throw wrong()
    return text === 'true'
  }
  if (schema.isNumericSchema()) {
    if (!/^-?\d+$/.test(text)) throw wrong()
    return Number(text)
  }
  if (schema.isStringSchema() || schema.isBlobSchema() || schema.isTimestampSchema()) return text
  throw wrong()
}

/** Renders an answer by the SDK's own model; a member that the model does not have is a mistake of ours. */
export function renderOutput(schema: Schema, value: Readonly<Record<string, unknown>>): string {
  return renderStructure(NormalizedSchema.of(schema), value)
}

function renderStructure(schema: NormalizedSchema, value: Readonly<Record<string, unknown>>): string {
  const members = new Map(schema.structIterator())
  return Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .map(([name, item]) => {
      const member = members.get(name)
      if (!member) throw new Error(`${schema.getName()} has no member ${name}`)
      const tag = String(member.getMergedTraits().xmlName ?? name)
      return `<${tag}>${renderValue(member, item)}</${tag}>`
    })
    .join('')
}

function renderValue(schema: NormalizedSchema, value: unknown): string {
  if (Array.isArray(value)) {
    const { xmlName = 'member' } = schema.getValueSchema().getMergedTraits()
    return value.map((item) => `<${xmlName}>${renderValue(schema.getValueSchema(), item)}</${xmlName}>`).join('')
  }
  if (value instanceof Date) return value.toISOString()
  if (typeof value === 'object' && value !== null) return renderStructure(schema, value as Record<string, unknown>)
  return escapeXml(String(value))
}

export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** The name on the wire: of the protocol's own where there is one, else the XML name with a capital. */
function queryName(name: string, member: NormalizedSchema): string {
  const { ec2QueryName, xmlName } = member.getMergedTraits()
  if (ec2QueryName) return String(ec2QueryName)
  const text = String(xmlName ?? name)
  return `${text[0]?.toUpperCase()}${text.slice(1)}`
}
