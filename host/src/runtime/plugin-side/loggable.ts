import { inspect } from 'node:util'

/**
 * What a plugin logs may hold anything. This makes plain data of it that can cross a channel and be read by machines:
 * texts stay texts, so that secrets in them are found, and what goes too deep or is too much is cut.
 */
export function loggable(value: unknown, depth = maxDepth): unknown {
  switch (typeof value) {
    case 'string':
      return value.length > maxLength ? `${value.slice(0, maxLength)}…` : value
    case 'number':
    case 'boolean':
    case 'undefined':
      return value
    case 'object':
      break
    default:
      return inspect(value)
  }
  if (value === null) return value
  if (value instanceof Uint8Array) return `[${value.length} bytes]`
  if (value instanceof Date || value instanceof URL || value instanceof RegExp) return String(value)
  if (depth === 0) return '[…]'
  if (Array.isArray(value) || value instanceof Set) {
    return [...value].slice(0, maxItems).map((item) => loggable(item, depth - 1))
  }
  const entries = value instanceof Map ? [...value].map(([key, item]) => [String(key), item]) : Object.entries(value)
  // An error's own texts are not enumerable.
  if (value instanceof Error)
    entries.unshift(['message', value.message], ['stack', value.stack], ['cause', value.cause])
  return Object.fromEntries(
    entries
      .slice(0, maxItems)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => [key, loggable(item, depth - 1)]),
  )
}

const maxDepth = 5
const maxItems = 100
const maxLength = 16_384
