import { redact } from './redact.ts'

/** Blacks out secrets in what a plugin prints: those of the running calls, and of the last ones, since a plugin can print one after its call. */
export class SecretMemory {
  readonly #recent: Record<string, Uint8Array>[] = []

  remember(secret: Record<string, Uint8Array>): void {
    this.#recent.push(secret)
    if (this.#recent.length > maxRecent) this.#recent.shift()
  }

  redact(text: string, running: Iterable<Record<string, Uint8Array> | undefined>): string {
    return [...new Set([...running, ...this.#recent])].reduce((line, secret) => redact(line, secret), text)
  }

  forget(): void {
    this.#recent.length = 0
  }
}

const maxRecent = 64
