import { type DescField, type DescMessage, fromJson, type JsonValue } from '@bufbuild/protobuf'
import type { Violation } from '@mcm/sdk'
import { pathSegment } from '@mcm/sdk/schema'

/**
 * All that keeps an object from being a message's JSON form, each with its path. The library stops at the first
 * problem, and names a type of the contract rather than the place in the file.
 */
export function fieldProblems(schema: DescMessage, object: object): Violation[] {
  return problemsOf(schema, object, '').map(({ path, message }) => ({ path: path.replace(/^\./, ''), message }))
}

function problemsOf(schema: DescMessage, value: unknown, path: string): Violation[] {
  if (!isObject(value)) return [{ path, message: `must be an object${shown(value)}` }]
  return Object.entries(value).flatMap(([key, content]): Violation[] => {
    const at = path + pathSegment(key)
    const field = schema.fields.find(({ name, jsonName }) => key === jsonName || key === name)
    if (!field) return [{ path: at, message: 'is not a known field' }]
    if (content === null) return []
    const isMap =
      field.fieldKind === 'map' ||
      (field.fieldKind === 'message' && field.message.typeName === 'google.protobuf.Struct')
    if (isMap && !isObject(content)) return [{ path: at, message: `must be an object${shown(content)}` }]
    if (field.fieldKind === 'list' && !Array.isArray(content))
      return [{ path: at, message: `must be a list${shown(content)}` }]
    const inner = innerMessage(field)
    if (inner && field.fieldKind === 'message') return problemsOf(inner, content, at)
    if (field.fieldKind !== 'map' && !inner) return ownProblem(schema, { [key]: content }, at)
    return Object.entries(content as object).flatMap(([step, item]) => {
      const path = at + pathSegment(step)
      return inner ? problemsOf(inner, item, path) : ownProblem(schema, { [key]: { [step]: item } }, path)
    })
  })
}

/** The message that a field holds, once or often. Those of protobuf itself have JSON forms of their own. */
function innerMessage(field: DescField): DescMessage | undefined {
  const { message } = field
  return message?.typeName.startsWith('google.protobuf.') ? undefined : message
}

function ownProblem(schema: DescMessage, json: object, path: string): Violation[] {
  try {
    fromJson(schema, json as JsonValue)
    return []
  } catch (error) {
    const why = (error as Error).message.replace(/^cannot decode .*? from JSON:? /, '')
    const isText = why === 'invalid base64 string'
    return [{ path, message: isText ? 'must be base64; plain text belongs in stringData' : why }]
  }
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? ''
  return text.length > 60 ? '' : `, is ${text}`
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
