import type { Readable } from 'node:stream'

/**
 * Bounds what a plugin may say in a second. The first lines pass, more are counted and dropped, and a plugin that goes on
 * printing has to wait: its output is not read until the second is over.
 */
export class OutputLimit {
  readonly #streams: readonly Readable[]
  readonly #onDropped: (line: string) => void
  #timer: NodeJS.Timeout | undefined
  #lines = 0

  constructor(streams: readonly Readable[], onDropped: (line: string) => void) {
    this.#streams = streams
    this.#onDropped = onDropped
  }

  /** Whether a line may pass. */
  take(): boolean {
    this.#timer ??= setTimeout(() => this.#nextSecond(), 1000).unref()
    this.#lines++
    if (this.#lines === pauseLines) for (const stream of this.#streams) stream.pause()
    return this.#lines <= maxLines
  }

  /** Tells of what was dropped last. Call it once no more comes. */
  close(): void {
    clearTimeout(this.#timer)
    this.#tell()
  }

  #nextSecond(): void {
    this.#tell()
    for (const stream of this.#streams) stream.resume()
  }

  #tell(): void {
    const dropped = this.#lines - maxLines
    this.#timer = undefined
    this.#lines = 0
    if (dropped > 0) this.#onDropped(`… ${dropped} more lines within a second were dropped`)
  }
}

/** Whether a message is a line of the log, which counts as output. */
export function isLog(message: unknown): boolean {
  return typeof message === 'object' && message !== null && Reflect.get(message, 'type') === 'log'
}

// A stack trace or a verbose start has dozens of lines; nobody reads hundreds a second, and a log costs money.
const maxLines = 200
// Counting a line costs the host about a microsecond. Beyond this it leaves the output alone for the rest of the second.
const pauseLines = 20_000
