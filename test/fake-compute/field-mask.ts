import { ApiError } from './api-error.ts'

/** What a mask selects: everything, or parts of parts. */
type Mask = Map<string, Mask>

/** The parts of an answer that the parameter `fields` selects: `items(name,tags/items),nextPageToken`. */
export function selectFields(value: unknown, fields: string): unknown {
  const [mask, rest] = readMask(fields)
  if (rest !== '') throw new ApiError(400, 'invalidParameter', `Invalid field selection ${fields}`)
  return select(value, mask)
}

function readMask(text: string): [Mask, string] {
  const mask: Mask = new Map()
  let left = text
  for (;;) {
    const path = /^[\w*/]+/.exec(left)?.[0]
    if (path === undefined) throw new ApiError(400, 'invalidParameter', `Invalid field selection ${text}`)
    left = left.slice(path.length)
    let inner = path.split('/').reduce<Mask>((parent, name) => {
      const child = parent.get(name) ?? new Map()
      parent.set(name, child)
      return child
    }, mask)
    if (left.startsWith('(')) {
      const [parts, rest] = readMask(left.slice(1))
      if (!rest.startsWith(')')) throw new ApiError(400, 'invalidParameter', `Invalid field selection ${text}`)
      for (const [name, part] of parts) inner = inner.set(name, part)
      left = rest.slice(1)
    }
    if (!left.startsWith(',')) return [mask, left]
    left = left.slice(1)
  }
}

function select(value: unknown, mask: Mask): unknown {
  if (mask.size === 0) return value
  if (Array.isArray(value)) return value.map((item) => select(item, mask))
  if (typeof value !== 'object' || value === null) return value
  const parts = Object.entries(value).flatMap(([name, part]) => {
    const inner = mask.get(name) ?? mask.get('*')
    return inner ? [[name, select(part, inner)]] : []
  })
  return Object.fromEntries(parts)
}
