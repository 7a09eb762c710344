import { hash } from 'node:crypto'
import { Redactor } from './redactor.ts'
import { secretForms } from './secret-forms.ts'

/**
 * Blacks out secrets in what a plugin says: those of the running calls, and of the last ones, since a plugin can say one
 * after its call. Remembers values, not calls: a thousand calls with one credential are one value of it, and their many
 * user data push out only each other.
 */
export class SecretMemory {
  readonly #redactor = new Redactor()
  /** By key of the Secret, then by hash; the one used last is at the end. */
  readonly #values = new Map<string, Map<string, Remembered>>()
  /** Their forms are worked out when they are needed, which for most is never: good plugins print nothing. */
  readonly #fresh = new Set<Remembered>()

  /** Remembers a secret at least until the returned function is called. */
  hold(secret: Readonly<Record<string, Uint8Array>>): () => void {
    const held = Object.entries(secret).map(([key, bytes]) => this.#hold(key, bytes))
    return () => {
      for (const value of held.splice(0)) value.calls--
    }
  }

  redact(text: string): string {
    for (const value of this.#fresh) {
      value.forms = secretForms(value.bytes)
      this.#redactor.add(value.key, value.forms)
    }
    this.#fresh.clear()
    return this.#redactor.redact(text)
  }

  forget(): void {
    for (const values of this.#values.values()) {
      for (const value of values.values()) this.#forgetValue(value)
    }
    this.#values.clear()
  }

  #hold(key: string, bytes: Uint8Array): Remembered {
    const values = this.#values.get(key) ?? new Map<string, Remembered>()
    this.#values.set(key, values)
    const id = hash('sha256', bytes)
    let value = values.get(id)
    if (!value) {
      value = { key, bytes, forms: [], calls: 0 }
      this.#fresh.add(value)
    }
    value.calls++
    values.delete(id)
    values.set(id, value)
    this.#trim(values)
    return value
  }

  #trim(values: Map<string, Remembered>): void {
    for (const [id, value] of values) {
      if (values.size <= maxValues) return
      if (value.calls > 0) continue
      values.delete(id)
      this.#forgetValue(value)
    }
  }

  #forgetValue(value: Remembered): void {
    this.#fresh.delete(value)
    this.#redactor.remove(value.forms)
  }
}

interface Remembered {
  key: string
  bytes: Uint8Array
  forms: Iterable<string>
  /** How many running calls have it. */
  calls: number
}

// Of each key.
const maxValues = 64
