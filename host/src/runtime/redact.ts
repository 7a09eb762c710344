import { Redactor } from './redactor.ts'
import { secretForms } from './secret-forms.ts'

type SecretData = Readonly<Record<string, Uint8Array>>

/**
 * Blacks out the values of a Secret in a text, in all their {@link secretForms}. Plugins should never print them; this is
 * for the day when an SDK of a cloud puts a token into an error text.
 */
export function redact(text: string, secret: SecretData | undefined): string {
  return secret ? redactorOf(secret).redact(text) : text
}

/** Does it for all texts in a value of any shape, such as the fields of a log line. */
export function redactAll(value: unknown, redactText: (text: string) => string): unknown {
  if (typeof value === 'string') return redactText(value)
  if (Array.isArray(value)) return value.map((item) => redactAll(item, redactText))
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [redactText(key), redactAll(item, redactText)] as const),
  )
}

// An answer may have many texts.
const known = new WeakMap<SecretData, Redactor>()

function redactorOf(secret: SecretData): Redactor {
  let redactor = known.get(secret)
  if (!redactor) {
    redactor = new Redactor()
    for (const [key, value] of Object.entries(secret)) redactor.add(key, secretForms(value))
    known.set(secret, redactor)
  }
  return redactor
}
