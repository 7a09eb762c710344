import { inspect } from 'node:util'

/**
 * How a value of a Secret may look in a text: as it is, line by line, in base64, and escaped as in JSON, in a URL or by
 * `inspect`. Values of fewer than six characters, and single lines of fewer than sixteen, have no forms: they would
 * black out innocent text.
 */
export function secretForms(value: Uint8Array): Set<string> {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  const text = bytes.toString('utf8')
  const trimmed = text.trim()
  if (trimmed.length < minFormLength) return new Set()
  const encoded = [bytes, Buffer.from(trimmed)].flatMap((some) => [some.toString('base64'), some.toString('base64url')])
  const lines = text.split('\n').map((line) => line.trim())
  return new Set([
    ...[text, trimmed]
      .flatMap(escapedForms)
      .concat(encoded)
      .filter((form) => form.trim().length >= minFormLength),
    ...lines.flatMap(escapedForms).filter((form) => form.length >= minLineLength),
  ])
}

/** A text as it is, in JSON, in what `inspect` prints, and in a URL. */
function escapedForms(text: string): string[] {
  const url = encodeURIComponent(text.toWellFormed())
  // Most lines look the same in the other forms, and `inspect` is slow.
  if (!/[\p{C}'"\\]/u.test(text)) return [text, url]
  const shown = inspect(text, { breakLength: Number.POSITIVE_INFINITY, maxStringLength: null })
  return [text, JSON.stringify(text).slice(1, -1), shown.slice(1, -1), url]
}

/** No form is shorter. */
export const minFormLength = 6
const minLineLength = 16
