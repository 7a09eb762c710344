import { spawn } from 'node:child_process'
import { access, constants, realpath } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { InstallError } from './install-error.ts'
import { maskSecrets } from './mask-secrets.ts'

/** The npm command line, which brings registries, proxies, logins and mirrors as the user has set them up. */
export class Npm {
  readonly #command: readonly [string, ...string[]]
  /** Where npm itself lies, with settings that came with it. */
  readonly folder: string

  private constructor(command: readonly [string, ...string[]], program: string) {
    this.#command = command
    this.folder = dirname(dirname(program))
  }

  /** The environment for npm. */
  get env(): NodeJS.ProcessEnv {
    return npmEnvironment(process.env)
  }

  /** Finds the npm that came with the running Node, or else the one on PATH. */
  static async find(env: NodeJS.ProcessEnv = process.env, node = process.execPath): Promise<Npm> {
    const beside = dirname(await realpath(node))
    const onPath = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
    for (const candidate of [
      join(beside, '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
      ...[beside, ...onPath].map((folder) => join(folder, 'npm')),
    ]) {
      const program = await realpath(candidate).catch(() => undefined)
      if (program === undefined) continue
      // Run by this very Node: the script's own first line may name one that is too old, or none.
      if (program.endsWith('.js')) return new Npm([node, program], program)
      if (await isExecutable(program)) return new Npm([program], program)
    }
    throw new InstallError(
      `npm was not found, neither beside ${node} nor on PATH; install it (it comes with Node), or add a bundle, which needs none`,
    )
  }

  /** Runs npm to its end. An abort or the deadline ends it. Its complaint becomes the error's, without secrets. */
  async run(args: readonly string[], { cwd, signal }: { cwd: string; signal: AbortSignal }): Promise<string> {
    signal.throwIfAborted()
    const [program, ...first] = this.#command
    const deadline = AbortSignal.timeout(deadlineMs)
    const child = spawn(program, [...first, ...always, ...args], {
      cwd,
      env: this.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own: npm starts helpers, and Ctrl-C must end them only after we have decided so.
      detached: true,
    })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    const { promise: closed, resolve, reject } = Promise.withResolvers<number | null>()
    child.once('close', resolve)
    child.once('error', (error) => reject(new InstallError(`npm could not be started (${program}): ${error.message}`)))
    const kill = () => {
      if (child.pid === undefined) return
      try {
        // The group: a helper of npm would go on writing.
        process.kill(-child.pid, 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
    const stop = AbortSignal.any([signal, deadline])
    stop.addEventListener('abort', kill, { once: true })
    try {
      const code = await closed
      signal.throwIfAborted()
      if (deadline.aborted) throw new InstallError(`npm ${args[0]} did not end within ${deadlineMs / 60_000} minutes`)
      if (code !== 0) throw new InstallError(complaint(args, code, Buffer.concat(stderr).toString()))
      return Buffer.concat(stdout).toString()
    } finally {
      stop.removeEventListener('abort', kill)
    }
  }
}

const deadlineMs = 10 * 60_000

// Nothing of a package runs, nothing is put outside the folder, nothing is asked that does not matter here.
const always = [
  '--ignore-scripts',
  '--no-bin-links',
  '--no-audit',
  '--no-fund',
  '--no-update-notifier',
  '--no-progress',
  '--no-workspaces',
  '--no-package-lock',
  '--no-global',
  '--no-dry-run',
  '--install-links',
  '--install-strategy=hoisted',
  '--omit=dev',
  '--include=prod',
  '--include=optional',
  '--loglevel=error',
]

/** npm hands its settings on to what it runs. Those that name the project in which mcm was started are not ours. */
function npmEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const foreign =
    /^npm_(config_(local_prefix|workspaces?|include_workspace_root|global|location)|package_.*|lifecycle_.*)$/i
  return Object.fromEntries(Object.entries(env).filter(([name]) => !foreign.test(name)))
}

function complaint(args: readonly string[], code: number | null, stderr: string): string {
  const lines = maskSecrets(stderr)
    .split('\n')
    .map((line) => line.replace(/^npm (error|ERR!) ?/, '').trimEnd())
    .filter((line) => !noise.test(line))
  const how = code === null ? 'was ended by a signal' : `failed with status ${code}`
  const reason = /^code (\S+)$/.exec(lines[0] ?? '')?.[1] ?? ''
  const hint = unreachable.has(reason)
    ? [
        'the registry cannot be reached; look at "npm config get registry" and "npm config get proxy"; a bundle needs none',
      ]
    : []
  return [
    `npm ${args[0]} ${how}${lines.length > 0 ? ':' : ''}`,
    ...lines.slice(0, maxLines).map((line) => `  ${line}`),
    ...hint,
  ].join('\n')
}

// Stack traces and dumped errors say nothing that the line before them does not; the last ones speak of npm itself.
const noise =
  /^$|^\s+at |^\s+(code|errno|syscall|address|port|type|hostname|path|dest|erroredSysCall):|^\}$|^(errno|syscall|404$|404 Note|404 tarball)|^A complete log of this run|^If you are behind a proxy/

const unreachable = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH'])

const maxLines = 20

async function isExecutable(file: string): Promise<boolean> {
  return await access(file, constants.X_OK).then(
    () => true,
    () => false,
  )
}
