import { type ChildProcess, fork } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { PluginPackage } from '../plugins/plugin-package.ts'
import type { PluginMessage } from './messages.ts'
import type { Runner, RunnerEvents, RunningPlugin } from './runner.ts'

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
    const child = fork(this.#program, [plugin.entry], {
      cwd: plugin.folder,
      env: allowedEnvironment(this.#env, plugin.manifest.permissions?.env ?? []),
      execArgv: [],
      // Structured clone: secret bytes travel as bytes.
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const lastLines: string[] = []
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue
      createInterface({ input: stream }).on('line', (line) => {
        lastLines.push(line.slice(0, maxLineLength))
        if (lastLines.length > maxLastLines) lastLines.shift()
        events.output(line.slice(0, maxLineLength))
      })
    }
    child.on('message', (message) => events.message(message as PluginMessage))
    let spawnError: Error | undefined
    child.on('error', (error) => {
      // Also a failed send, which the end of the process explains better.
      if (child.pid === undefined) spawnError = error
    })
    // `close`, not `exit`: then the last lines have been read, and they usually say why.
    const closed = new Promise<void>((resolve) => {
      const end = () => {
        resolve()
        events.ended(endReason(child, spawnError, lastLines))
      }
      child.once('close', end)
      child.once('error', () => {
        if (child.pid === undefined) end()
      })
    })
    return {
      pid: child.pid,
      send: (message) => {
        if (child.connected) child.send(message)
      },
      async stop(graceMs) {
        if (child.connected) child.send({ type: 'stop' })
        const kill = setTimeout(() => child.kill('SIGKILL'), graceMs)
        await closed
        clearTimeout(kill)
      },
    }
  }
}

const maxLastLines = 20
const maxLineLength = 4096

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

function endReason(child: ChildProcess, spawnError: Error | undefined, lastLines: readonly string[]): string {
  const how = spawnError
    ? `could not be started: ${spawnError.message}`
    : child.signalCode
      ? `was ended by ${child.signalCode}`
      : `exited with code ${child.exitCode}`
  // A clean exit needs no explanation.
  if (child.exitCode === 0 || lastLines.length === 0) return how
  return `${how}; its last lines:\n${lastLines.map((line) => `  ${line}`).join('\n')}`
}
