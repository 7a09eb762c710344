/** Which providers the host serves, and whether it serves at all: what health checks answer, over every protocol. */
export class ServingStatus {
  readonly #isServing = new Map<string, boolean>([['', false]])
  readonly #listeners: ((service: string, isServing: boolean) => void)[] = []

  /** Says whether a provider is served; `''` is the host as a whole. */
  set(service: string, isServing: boolean): void {
    this.#isServing.set(service, isServing)
    for (const listener of this.#listeners) listener(service, isServing)
  }

  /** All services that were ever set. */
  get services(): string[] {
    return [...this.#isServing.keys()]
  }

  /** `undefined` for a provider that the host does not have. */
  get(service: string): boolean | undefined {
    return this.#isServing.get(service)
  }

  /** Calls back for each service as it is now, and after each change. */
  onChange(listener: (service: string, isServing: boolean) => void): void {
    this.#listeners.push(listener)
    for (const [service, isServing] of this.#isServing) listener(service, isServing)
  }
}
