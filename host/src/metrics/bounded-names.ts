/** Keeps the first names that come, up to a limit; all later ones are `other`. So nobody can make series without end. */
export class BoundedNames {
  readonly #names = new Set<string>()
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  keep(name: string): string {
    if (this.#names.has(name)) return name
    if (this.#names.size >= this.#limit) return 'other'
    this.#names.add(name)
    return name
  }
}
