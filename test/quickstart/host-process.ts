import { type ChildProcess, spawn } from 'node:child_process'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { lastLines } from '../env/run.ts'

/** A host that runs as a process of its own, from an installation. */
export class HostProcess {
  readonly endpoint: string
  readonly logFile: string
  readonly #child: ChildProcess
  readonly #exited: Promise<void>

  private constructor(child: ChildProcess, endpoint: string, logFile: string) {
    this.#child = child
    this.endpoint = endpoint
    this.logFile = logFile
    this.#exited = new Promise((resolve) => child.once('exit', () => resolve()))
  }

  /** Starts `mcm serve`, with more arguments, and waits until it serves. */
  static async start(mcm: string, folder: string, signal: AbortSignal, args: string[] = []): Promise<HostProcess> {
    const endpoint = `unix://${join(folder, 'host.sock')}`
    const logFile = join(folder, 'host.log')
    const log = await open(logFile, 'a', 0o600)
    // A process group of its own: Ctrl-C at the terminal must not end it before its machine is deleted.
    const child = spawn(process.execPath, [mcm, 'serve', '--listen', endpoint, ...args], {
      stdio: ['ignore', 'pipe', log.fd],
      detached: true,
    })
    await log.close()
    const host = new HostProcess(child, endpoint, logFile)
    try {
      await host.#serving(signal)
      return host
    } catch (error) {
      await host.stop()
      const tail = lastLines(await readFile(logFile, 'utf8'), 15)
      throw new Error(`the host did not start: ${(error as Error).message}\nThe end of its log:\n${tail}`, {
        cause: error,
      })
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Lets it outlive this process. */
  detach(): void {
    this.#child.stdout?.destroy()
    this.#child.unref()
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGTERM')
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), stopMs)
    await this.#exited
    clearTimeout(kill)
  }

  async #serving(signal: AbortSignal): Promise<void> {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(startMs)])
    await new Promise<void>((resolve, reject) => {
      deadline.addEventListener('abort', () => reject(deadline.reason), { once: true })
      this.#child.once('error', reject)
      this.#child.once('exit', (code, by) => reject(new Error(`it ended with ${by ?? `exit code ${code}`}`)))
      this.#child.stdout?.on('data', (text: Buffer) => {
        if (text.includes('serving gRPC')) resolve()
      })
    })
  }
}

const startMs = 60_000
const stopMs = 45_000
