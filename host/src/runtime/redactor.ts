import { minFormLength } from './secret-forms.ts'

/**
 * Blacks out many forms of secrets in a text at once. It looks at each place of the text, not for each form: hundreds of
 * calls with long user data have 100,000 forms, and a plugin may print 200 lines a second.
 */
export class Redactor {
  /** By its first characters. */
  readonly #forms = new Map<string, Map<string, { key: string; uses: number }>>()

  /** @param key Stands in the place of the forms. */
  add(key: string, forms: Iterable<string>): void {
    for (const form of forms) {
      const start = startOf(form)
      const same = this.#forms.get(start) ?? new Map<string, { key: string; uses: number }>()
      this.#forms.set(start, same)
      const known = same.get(form)
      if (known) known.uses++
      else same.set(form, { key, uses: 1 })
    }
  }

  /** Undoes one `add`. */
  remove(forms: Iterable<string>): void {
    for (const form of forms) {
      const start = startOf(form)
      const same = this.#forms.get(start)
      const known = same?.get(form)
      if (!same || !known || --known.uses > 0) continue
      same.delete(form)
      if (same.size === 0) this.#forms.delete(start)
    }
  }

  redact(text: string): string {
    let redacted = ''
    let copiedTo = 0
    for (const { from, to, key } of this.#finds(text)) {
      redacted += `${text.slice(copiedTo, from)}[redacted: ${key}]`
      copiedTo = to
    }
    return copiedTo === 0 ? text : redacted + text.slice(copiedTo)
  }

  /** The places of forms. Those that overlap are one, so that a form within another, or behind it, leaves nothing behind. */
  #finds(text: string): Find[] {
    const finds: Find[] = []
    for (let from = 0; from + minFormLength <= text.length; from++) {
      const find = this.#longestAt(text, from)
      if (!find) continue
      const last = finds.at(-1)
      if (!last || last.to <= from) finds.push(find)
      else if (last.to < find.to) last.to = find.to
    }
    return finds
  }

  #longestAt(text: string, from: number): Find | undefined {
    let find: Find | undefined
    for (const length of startLengths) {
      for (const [form, { key }] of this.#forms.get(text.slice(from, from + length)) ?? []) {
        const to = from + form.length
        if ((!find || to > find.to) && text.startsWith(form, from)) find = { from, to, key }
      }
    }
    return find
  }
}

function startOf(form: string): string {
  return form.slice(
    0,
    startLengths.find((length) => length <= form.length),
  )
}

// Many lines of user data start alike, so the short start is for what is shorter than the long one only.
const startLengths = [16, minFormLength]

interface Find {
  from: number
  to: number
  key: string
}
