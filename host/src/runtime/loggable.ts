import { inspect } from 'node:util'

/**
 * What a plugin logs may hold anything. This makes small plain data of it that can cross a channel and be read by
 * machines: texts stay texts, so that secrets in them are found, and what goes too deep or is too much is cut. The
 * plugin's side does it, and the host again, since a plugin can send without our code.
 */
export function loggable(value: unknown): unknown {
  return plain(value, maxDepth, { left: maxSize })
}

/** @param size What may still be added. Depth and length of lists alone would let through 100 to the power of 5 values. */
function plain(value: unknown, depth: number, size: { left: number }): unknown {
  if (size.left <= 0) return '[…]'
  size.left -= sizePerValue
  switch (typeof value) {
    case 'string':
      return cut(value, size)
    case 'number':
    case 'boolean':
    case 'undefined':
      return value
    case 'bigint':
      // One of millions of digits takes seconds to print.
      return BigInt.asIntN(64, value) === value ? inspect(value) : '[a large bigint]'
    case 'object':
      break
    default:
      return cut(inspect(value), size)
  }
  if (value === null) return value
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (value instanceof Date || value instanceof URL || value instanceof RegExp) return cut(String(value), size)
  if (depth === 0) return '[…]'
  // Not spread: an empty array may say that it has billions of items.
  if (Array.isArray(value)) return value.slice(0, maxItems).map((item) => plain(item, depth - 1, size))
  if (value instanceof Set) return [...value].slice(0, maxItems).map((item) => plain(item, depth - 1, size))
  const entries =
    value instanceof Map ? [...value].map(([key, item]) => [String(key), item] as const) : Object.entries(value)
  // An error's own texts are not enumerable.
  const own =
    value instanceof Error
      ? ([
          ['message', value.message],
          ['stack', value.stack],
          ['cause', value.cause],
        ] as const)
      : []
  return Object.fromEntries(
    [...own, ...entries]
      .slice(0, maxItems)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => [cut(key, size), plain(item, depth - 1, size)]),
  )
}

function cut(text: string, size: { left: number }): string {
  const length = Math.min(maxLength, Math.max(size.left, 0))
  size.left -= text.length
  return text.length > length ? `${text.slice(0, length)}…` : text
}

const maxDepth = 5
const maxItems = 100
const maxLength = 16_384
// In characters, where each value counts as some: about a thousand values.
const maxSize = 65_536
const sizePerValue = 64
