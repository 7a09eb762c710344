import { inspect } from 'node:util'

type SecretData = Readonly<Record<string, Uint8Array>>

/**
 * Blacks out the values of a Secret in a text. Plugins should never print them; this is for the day when an SDK of a
 * cloud puts a token into an error text.
 *
 * A value is found as it is, line by line, in base64, and escaped as in JSON, in a URL or by `inspect`. Values of fewer than six characters, and
 * single lines of fewer than sixteen, are left alone: they would black out innocent text.
 */
export function redact(text: string, secret: SecretData | undefined): string {
  if (!secret) return text
  return formsOf(secret).reduce((redacted, [form, key]) => redacted.replaceAll(form, `[redacted: ${key}]`), text)
}

/** The same for all texts in a value of any shape, such as the fields of a log line. */
export function redactAll(value: unknown, secret: SecretData | undefined): unknown {
  if (typeof value === 'string') return redact(value, secret)
  if (Array.isArray(value)) return value.map((item) => redactAll(item, secret))
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [redact(key, secret), redactAll(item, secret)] as const),
  )
}

// A call's Secret is one object from its first log line to its last; its forms are worked out once, when needed.
const known = new WeakMap<SecretData, [form: string, key: string][]>()

function formsOf(secret: SecretData): [form: string, key: string][] {
  let forms = known.get(secret)
  if (!forms) {
    const keyByForm = new Map<string, string>()
    for (const [key, bytes] of Object.entries(secret)) {
      for (const form of formsOfValue(Buffer.from(bytes))) if (!keyByForm.has(form)) keyByForm.set(form, key)
    }
    // Longest first, so that a value that is a part of another leaves nothing of that one behind.
    forms = [...keyByForm].sort(([a], [b]) => b.length - a.length)
    known.set(secret, forms)
  }
  return forms
}

function formsOfValue(value: Buffer): string[] {
  const text = value.toString('utf8')
  const trimmed = text.trim()
  if (trimmed.length < minLength) return []
  const encoded = [value, Buffer.from(trimmed)].flatMap((bytes) => [
    bytes.toString('base64'),
    bytes.toString('base64url'),
  ])
  const lines = text.split('\n').map((line) => line.trim())
  return [
    ...[text, trimmed]
      .flatMap(escapedForms)
      .concat(encoded)
      .filter((form) => form.trim().length >= minLength),
    ...lines.flatMap(escapedForms).filter((form) => form.length >= minLineLength),
  ]
}

/** A text as it is, in JSON, in what `inspect` prints, and in a URL. */
function escapedForms(text: string): string[] {
  const shown = inspect(text, { breakLength: Number.POSITIVE_INFINITY, maxStringLength: null })
  return [text, JSON.stringify(text).slice(1, -1), shown.slice(1, -1), encodeURIComponent(text.toWellFormed())]
}

const minLength = 6
const minLineLength = 16
