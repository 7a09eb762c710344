import type { Readable } from 'node:stream'
import { onLines } from './line-splitter.ts'
import { isLog, OutputLimit } from './output-limit.ts'

/** What a plugin prints, bounded. Its last lines are kept, since they usually say why it ended. */
export class PluginOutput {
  readonly lastLines: string[] = []
  readonly #streams: readonly Readable[]
  readonly #limit: OutputLimit
  readonly #onLine: (line: string) => void
  #saysHeapIsFull = false
  #isClosed = false

  constructor(streams: readonly Readable[], onLine: (line: string) => void) {
    this.#streams = streams
    this.#limit = new OutputLimit(streams, onLine)
    this.#onLine = onLine
    for (const stream of streams) onLines(stream, maxLineLength, (line) => this.add(line))
  }

  /** Whether Node has printed that its heap is full. Dozens of lines with addresses follow that one. */
  get saysHeapIsFull(): boolean {
    return this.#saysHeapIsFull
  }

  add(line: string): void {
    if (this.#isClosed) return
    this.#saysHeapIsFull ||= line.includes('JavaScript heap out of memory')
    this.lastLines.push(line)
    if (this.lastLines.length > maxLastLines) this.lastLines.shift()
    if (this.#limit.take()) this.#onLine(line)
  }

  /** Whether a message may pass: a line of the log counts as output. */
  passes(message: unknown): boolean {
    return !isLog(message) || this.#limit.take()
  }

  /** Reads what is left, also of a flood, which is held back. */
  resume(): void {
    for (const stream of this.#streams) stream.resume()
  }

  /** Reads no more. A program that the plugin has started may hold the output open; nobody listens to it any more. */
  close(): void {
    this.#limit.close()
    this.#isClosed = true
    for (const stream of this.#streams) stream.destroy()
  }
}

const maxLastLines = 20
const maxLineLength = 4096
