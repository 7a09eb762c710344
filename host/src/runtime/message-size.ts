/**
 * Whether a value takes more than so many bytes on its way, about: texts and bytes by their length, and a little for each
 * value. Looks at no more of it than it has to, so a circle is found to be too large.
 */
export function isLargerThan(value: unknown, bytes: number): boolean {
  const left = [value]
  let size = 0
  while (left.length > 0 && size <= bytes) {
    const next = left.pop()
    size += bytesPerValue
    if (typeof next === 'string') size += next.length
    else if (ArrayBuffer.isView(next) || next instanceof ArrayBuffer) size += next.byteLength
    else if (typeof next === 'object' && next !== null) {
      // Each has at least so many bytes, and need not be looked at then.
      const parts = partsOf(next)
      if (parts.length * bytesPerValue > bytes) return true
      for (const part of parts) left.push(part)
    }
  }
  return size > bytes
}

function partsOf(value: object): unknown[] {
  if (value instanceof Map) return [...value.keys(), ...value.values()]
  if (value instanceof Set) return [...value]
  return Array.isArray(value) ? value : [...Object.keys(value), ...Object.values(value)]
}

const bytesPerValue = 8
