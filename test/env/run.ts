import { spawn } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

export interface RunOptions {
  readonly signal: AbortSignal
  /** How long the program may take. Default: one minute. */
  readonly deadlineMs?: number
  readonly cwd?: string
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>
  /** Written to the program's standard input, which is empty otherwise. */
  readonly input?: string
  /** Exit codes that are an answer and not a failure. Default: only 0. */
  readonly okCodes?: readonly number[]
}

export interface RunResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A program that could not be started, ended badly, or took too long. */
export class RunError extends Error {
  override readonly name = 'RunError'
  readonly command: string
  /** Undefined when the program ended by a signal or never started. */
  readonly code: number | undefined
  readonly stderr: string

  constructor(command: string, what: string, result: { code?: number; stderr?: string } = {}, cause?: unknown) {
    const tail = lastLines(result.stderr ?? '', 12)
    super(`${command}: ${what}${tail === '' ? '' : `\n${tail}`}`, cause === undefined ? {} : { cause })
    this.command = command
    this.code = result.code
    this.stderr = result.stderr ?? ''
  }
}

/** Runs a program to its end. An abort or the deadline stops it and all that it started; then the reason is thrown. */
export async function run(program: string, args: readonly string[], options: RunOptions): Promise<RunResult> {
  const { signal, deadlineMs = 60_000, okCodes = [0] } = options
  const command = formatCommand(program, args)
  signal.throwIfAborted()

  // A process group of its own: Ctrl-C at the terminal reaches only us, and we decide what stops, and in which order.
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...toolEnv(), ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  // A program may end without reading its input (EPIPE); its exit code tells whether that was a failure.
  child.stdin.on('error', () => {})
  child.stdin.end(options.input ?? '')

  let timedOut = false
  let killTimer: NodeJS.Timeout | undefined
  const stop = () => {
    killGroup(child.pid, 'SIGTERM')
    killTimer ??= setTimeout(() => killGroup(child.pid, 'SIGKILL'), 3_000)
  }
  const deadline = setTimeout(() => {
    timedOut = true
    stop()
  }, deadlineMs)
  signal.addEventListener('abort', stop, { once: true })

  try {
    const { code, endSignal } = await new Promise<{ code: number | null; endSignal: string | null }>(
      (resolve, reject) => {
        child.once('error', (error: NodeJS.ErrnoException) => {
          const what = error.code === 'ENOENT' ? `there is no program '${program}' on this machine` : error.message
          reject(new RunError(command, what, {}, error))
        })
        child.once('close', (code, endSignal) => resolve({ code, endSignal }))
      },
    )
    signal.throwIfAborted()
    const result = { stdout: stdout(), stderr: stderr() }
    if (timedOut) throw new RunError(command, `still running after ${deadlineMs} ms, so it was stopped`, result)
    // A null exit code means that a signal ended it. It never means success.
    if (code === null) throw new RunError(command, `ended by ${endSignal ?? 'a signal'}`, result)
    if (!okCodes.includes(code)) throw new RunError(command, `exit code ${code}`, { code, ...withText(result) })
    return { code, ...result }
  } finally {
    clearTimeout(deadline)
    clearTimeout(killTimer)
    signal.removeEventListener('abort', stop)
  }
}

/** The environment for tools: this process's, with the folders for administration on the PATH and English messages. */
export function toolEnv(): Record<string, string> {
  const env: Record<string, string> = {}
  for (const [key, value] of Object.entries(process.env)) if (value !== undefined) env[key] = value
  // An ordinary user's PATH lacks sbin, where mkfs.vfat, modinfo and libvirtd are.
  const path = (env.PATH ?? '/usr/bin:/bin').split(delimiter)
  for (const folder of ['/usr/local/sbin', '/usr/sbin', '/sbin']) if (!path.includes(folder)) path.push(folder)
  return { ...env, PATH: path.join(delimiter), LC_ALL: 'C.UTF-8' }
}

/** Where a program is, by the PATH that tools get; undefined when it isn't there. */
export async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of (toolEnv().PATH ?? '').split(delimiter)) {
    const path = join(folder, name)
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isThere) return path
  }
  return undefined
}

/** A command as a person would type it. */
export function formatCommand(program: string, args: readonly string[]): string {
  return [program, ...args]
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ')
}

/** The last lines of a text, for an error message. */
export function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n')
}

// Some tools complain on standard output only.
function withText(result: { stdout: string; stderr: string }): { stderr: string } {
  return { stderr: result.stderr.trim() === '' ? result.stdout : result.stderr }
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  return () => Buffer.concat(chunks).toString('utf8')
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // Gone already, or it runs as another user (sudo): then its own end or the deadline of the caller counts.
  }
}
