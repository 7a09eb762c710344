import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { PluginPackage } from '../plugins/plugin-package.ts'
import { onLines } from './line-splitter.ts'
import { residentMemory } from './resident-memory.ts'
import type { PluginEnd, Runner, RunnerEvents, RunningPlugin } from './runner.ts'

/** Runs each plugin in a child process of its own, so that a crash or a leak stays there. */
export class ChildProcessRunner implements Runner {
  readonly #program: string
  readonly #env: NodeJS.ProcessEnv

  /** @param program The plugin-side program; the host's build puts it beside the host's. */
  constructor(
    program = fileURLToPath(new URL('./plugin-process.js', import.meta.url)),
    env: NodeJS.ProcessEnv = process.env,
  ) {
    this.#program = program
    this.#env = env
  }

  start(plugin: PluginPackage, events: RunnerEvents): RunningPlugin {
    const child = fork(this.#program, [], {
      cwd: plugin.folder,
      env: allowedEnvironment(this.#env, plugin.manifest.permissions?.env ?? []),
      execArgv: [],
      // Structured clone: secret bytes travel as bytes.
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const lastLines: string[] = []
    let isEnded = false
    let killCause: string | undefined
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue
      onLines(stream, maxLineLength, (line) => {
        if (isEnded) return
        lastLines.push(line)
        if (lastLines.length > maxLastLines) lastLines.shift()
        events.output(line)
      })
    }
    child.on('message', (message: unknown) => {
      if (!isEnded) events.message(message)
    })
    const closed = new Promise<void>((resolve) => {
      const end = (spawnError?: Error) => {
        if (isEnded) return
        isEnded = true
        resolve()
        events.ended(endOf(child, killCause ?? spawnError, lastLines))
      }
      // `close` comes when the last lines have been read, and they usually say why. It does not come while a program
      // that the plugin has started holds the plugin's output open: so the exit counts, after a moment for the lines.
      child.once('close', () => end())
      child.once('exit', () => setTimeout(end, lastLinesMs))
      child.on('error', (error) => {
        // A failed send is an error too; the end of the process, which follows, explains it better.
        if (child.pid === undefined) end(error)
      })
    })
    return {
      pid: child.pid,
      memoryBytes: () => residentMemory(child.pid),
      send: (message) => {
        if (child.connected) child.send(message)
      },
      async stop(graceMs) {
        if (child.connected) child.send({ type: 'shutdown' })
        const kill = setTimeout(() => child.kill('SIGKILL'), graceMs)
        await closed
        clearTimeout(kill)
      },
      async kill(cause) {
        killCause ??= cause
        child.kill('SIGKILL')
        await closed
      },
    }
  }
}

const maxLastLines = 20
const maxLineLength = 4096
const lastLinesMs = 200

// What programs need to find their way. Anything else, such as cloud credentials of the host's own environment, a
// plugin gets only if its manifest asks for it by name.
const commonVariables = [
  'HOME',
  'LANG',
  'LC_ALL',
  'PATH',
  'TMPDIR',
  'TZ',
  'USER',
  'XDG_CACHE_HOME',
  'XDG_RUNTIME_DIR',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
]

function allowedEnvironment(env: NodeJS.ProcessEnv, extra: readonly string[]): NodeJS.ProcessEnv {
  const names = [...commonVariables, ...extra].filter((name) => env[name] !== undefined)
  return Object.fromEntries(names.map((name) => [name, env[name]]))
}

function endOf(child: ChildProcess, known: Error | string | undefined, lastLines: readonly string[]): PluginEnd {
  if (typeof known === 'string') return { cause: known, lastLines }
  if (known) return { cause: `could not be started: ${known.message}`, lastLines }
  if (child.signalCode) return { cause: `was ended by ${child.signalCode}`, lastLines }
  // A clean exit needs no explanation.
  return { cause: `exited with code ${child.exitCode}`, lastLines: child.exitCode === 0 ? [] : lastLines }
}
