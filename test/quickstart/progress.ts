/** Shows steps: a line that changes while a step runs on a terminal, plain lines elsewhere. */
export class Progress {
  readonly #out: NodeJS.WriteStream
  #running: { name: string; text: string; since: number; timer: NodeJS.Timeout | undefined } | undefined
  #frame = 0

  constructor(out: NodeJS.WriteStream = process.stdout) {
    this.#out = out
  }

  /** Runs a step. What it returns is shown behind its name. */
  async step<T>(
    name: string,
    run: (update: (text: string) => void) => Promise<{ shown: string; value: T }>,
  ): Promise<T> {
    const since = performance.now()
    const isTerminal = this.#out.isTTY
    const timer = isTerminal ? setInterval(() => this.#draw(), 100) : undefined
    this.#running = { name, text: '', since, timer }
    const update = (text: string) => {
      if (!this.#running || this.#running.text === text) return
      this.#running.text = text
      if (!isTerminal) this.#out.write(`… ${name.padEnd(nameWidth)} ${text}\n`)
    }
    try {
      const { shown, value } = await run(update)
      this.#end('✔', shown, since)
      return value
    } catch (error) {
      this.#end('✘', 'failed', since)
      throw error
    } finally {
      clearInterval(timer)
    }
  }

  /** Prints lines between steps. */
  print(text: string): void {
    this.#out.write(`${text}\n`)
  }

  #end(mark: string, shown: string, since: number): void {
    const { name = '' } = this.#running ?? {}
    clearInterval(this.#running?.timer)
    this.#running = undefined
    const left = `${mark} ${name.padEnd(nameWidth)} ${shown}`
    const clear = this.#out.isTTY ? '\r\x1b[K' : ''
    this.#out.write(`${clear}${left.padEnd(lineWidth)} ${seconds(performance.now() - since)}\n`)
  }

  #draw(): void {
    if (!this.#running) return
    const { name, text, since } = this.#running
    const wheel = frames[this.#frame++ % frames.length]
    const line = `${wheel} ${name.padEnd(nameWidth)} ${text}`.slice(0, (this.#out.columns ?? 80) - 10)
    this.#out.write(`\r\x1b[K${line} ${seconds(performance.now() - since)}`)
  }
}

const nameWidth = 14
const lineWidth = 88
const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']

function seconds(ms: number): string {
  return ms < 100 ? `${ms.toFixed(0).padStart(4)} ms` : `${(ms / 1000).toFixed(1).padStart(5)} s`
}
