import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { permissionsOf } from '../../plugins/permissions.ts'
import type { PluginPackage } from '../../plugins/plugin-package.ts'
import type { Runner, RunnerEvents, RunningPlugin } from '../runner.ts'
import { BoundedSender } from './bounded-sender.ts'
import { inheritedDescriptors } from './inherited-descriptors.ts'
import { MessageLimit } from './message-limit.ts'
import { notStarted } from './not-started.ts'
import { endOf } from './plugin-end.ts'
import { pluginEnvironment } from './plugin-environment.ts'
import { heapLimitMiB, MemoryWatch } from './plugin-memory.ts'
import { PluginOutput } from './plugin-output.ts'
import { checkReadable, PluginUsers } from './plugin-users.ts'
import { limitProcess, signalGroup } from './process-limits.ts'
import { sandboxFlags } from './sandbox.ts'
import { makeScratchFolder, type ScratchFolder } from './scratch-folder.ts'

/** How plugins are kept apart. */
export interface Isolation {
  /** Whether Node's permission model holds them to what they ask for. */
  sandbox: boolean
  /** First of the user ids that they run with; needs root. Default: the host's own user. */
  baseUid?: number
  /** What each may hold in memory. */
  memoryMiB: number
  /** First port on loopback at which a debugger finds them. Default: no debugger. */
  inspectPort?: number
}

/** Runs each plugin in a child process of its own, so that a crash or a leak stays there. */
export class ChildProcessRunner implements Runner {
  readonly #isolation: Isolation
  readonly #users: PluginUsers | undefined
  readonly #program: string
  readonly #env: NodeJS.ProcessEnv
  readonly #portsInUse = new Set<number>()

  /** @param program The plugin-side program; the host's build puts it beside the host's. */
  constructor(
    isolation: Isolation,
    program = fileURLToPath(new URL('./plugin-process.js', import.meta.url)),
    env: NodeJS.ProcessEnv = process.env,
  ) {
    const { baseUid } = isolation
    if (baseUid !== undefined && process.getuid?.() !== 0) {
      throw new Error('"isolation.baseUid" needs a host that runs as root')
    }
    this.#isolation = isolation
    this.#users = baseUid === undefined ? undefined : new PluginUsers(baseUid)
    this.#program = program
    this.#env = env
    // A plugin of the same user can send the host this signal, at which Node would open a debugger on a TCP port.
    if (!process.listeners('SIGUSR1').includes(ignore)) process.on('SIGUSR1', ignore)
  }

  start(plugin: PluginPackage, events: RunnerEvents): RunningPlugin {
    const inspectPort = this.#takeInspectPort()
    let scratch: ScratchFolder | undefined
    let child: ChildProcess | undefined
    const release = async () => {
      if (inspectPort !== undefined) this.#portsInUse.delete(inspectPort)
      await scratch?.remove()
    }
    try {
      const uid = this.#users?.uidOf(plugin.name)
      scratch = makeScratchFolder(uid)
      child = this.#fork(plugin, { scratch: scratch.path, uid, inspectPort })
      return this.#watch(child, events, release)
    } catch (error) {
      signalGroup(child?.pid, 'SIGKILL')
      void release()
      return notStarted(error as Error, events)
    }
  }

  #fork(plugin: PluginPackage, own: { scratch: string; uid: number | undefined; inspectPort: number | undefined }) {
    const { sandbox, memoryMiB } = this.#isolation
    const { scratch, uid, inspectPort } = own
    if (uid !== undefined) {
      for (const path of [process.execPath, this.#program, plugin.folder]) checkReadable(path, uid)
    }
    const env = pluginEnvironment(this.#env, permissionsOf(plugin).env ?? [])
    const child = fork(this.#program, inheritedDescriptors().map(String), {
      cwd: scratch,
      // The host's home says nothing to another user.
      env: { ...env, ...(uid !== undefined && { HOME: scratch }), TMPDIR: scratch },
      execArgv: [
        `--max-old-space-size=${heapLimitMiB(memoryMiB)}`,
        ...(sandbox ? sandboxFlags(plugin, { program: this.#program, scratch }) : []),
        ...(inspectPort === undefined ? [] : [`--inspect=127.0.0.1:${inspectPort}`, '--allow-inspector']),
      ],
      // Structured clone: secret bytes travel as bytes.
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // A session of its own: a Ctrl-C for the host does not reach it, and what it starts can be ended with it.
      detached: true,
      ...(uid !== undefined && { uid, gid: uid }),
    })
    // An error that nobody listens to ends the host. A failed send is one too; the end of the process, which follows,
    // explains it better.
    child.on('error', ignore)
    if (child.pid !== undefined) limitProcess(child.pid)
    return child
  }

  /** @param release Gives back what the process had. */
  #watch(child: ChildProcess, events: RunnerEvents, release: () => Promise<void>): RunningPlugin {
    const { memoryMiB } = this.#isolation
    // When there are no descriptors left, Node does not even set them.
    const streams = [child.stdout, child.stderr].filter((stream) => stream != null)
    const output = new PluginOutput(streams, (line) => events.output(line))
    // Once the process is no more, its id and its group's may be somebody else's.
    const signal = (name: NodeJS.Signals) => {
      if (child.exitCode === null && child.signalCode === null) signalGroup(child.pid, name)
    }
    const timers: NodeJS.Timeout[] = []
    let isEnded = false
    let killCause: string | undefined
    const kill = (cause: string) => {
      if (isEnded) return
      killCause ??= cause
      signal('SIGKILL')
      // What it has sent is not even read: after a flood that would take the host's time from everybody else.
      if (child.connected) child.disconnect()
    }
    const messages = new MessageLimit()
    child.on('message', (message: unknown) => {
      // What is on its way from one that is being killed is of no use to anybody.
      if (isEnded || killCause !== undefined) return
      if (messages.isFlood()) return kill('flooded the host with messages')
      if (!output.passes(message)) return
      try {
        events.message(message)
      } catch (error) {
        kill(`sent what the host cannot read: ${String(error)}`)
      }
    })
    const memory = child.pid === undefined ? undefined : new MemoryWatch(child.pid, memoryMiB, kill)
    const sender = new BoundedSender(child, kill)

    const { promise: closed, resolve } = Promise.withResolvers<void>()
    const end = (startError?: Error) => {
      if (isEnded) return
      for (const timer of timers) clearTimeout(timer)
      output.close()
      isEnded = true
      void release().then(resolve)
      const { lastLines } = output
      const reachedHeapMiB = output.saysHeapIsFull ? heapLimitMiB(memoryMiB) : undefined
      events.ended(endOf({ child, lastLines, killCause, startError, reachedHeapMiB }))
    }
    // `close` comes when the last lines have been read, and they usually say why. It does not come while a program that
    // the plugin has started holds the plugin's output open: so the exit counts, after a moment for the lines.
    child.once('close', () => end())
    child.once('exit', () => {
      // The programs that it has started. While there are any, nobody else gets the group's id. If there are none, the id
      // is free since libuv has reaped the process, just before this event: systems give ids in turn, so that it would come
      // back only if all others were given meanwhile.
      signalGroup(child.pid, 'SIGKILL')
      memory?.close()
      output.resume()
      timers.push(setTimeout(end, lastLinesMs))
    })
    if (child.pid === undefined) child.once('error', end)
    return {
      pid: child.pid,
      memoryBytes: () => memory?.bytes,
      send: (message) => {
        messages.countSent()
        if (!isEnded) sender.send(message)
      },
      async stop(graceMs) {
        if (!isEnded) {
          sender.send({ type: 'shutdown' })
          // Half way, those that do not come to an end by themselves are asked as programs are, and what they have started.
          timers.push(setTimeout(() => signal('SIGTERM'), graceMs / 2))
          timers.push(setTimeout(() => signal('SIGKILL'), graceMs))
        }
        await closed
      },
      async kill(cause) {
        kill(cause)
        await closed
      },
    }
  }

  /** While a new run of a plugin takes over from an old one, the old one still has its debugger. */
  #takeInspectPort(): number | undefined {
    let { inspectPort: port } = this.#isolation
    if (port === undefined) return undefined
    while (this.#portsInUse.has(port)) port++
    this.#portsInUse.add(port)
    return port
  }
}

function ignore(): void {}

const lastLinesMs = 200
