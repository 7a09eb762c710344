import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { PluginPackage } from '../../plugins/plugin-package.ts'
import type { PluginEnd, Runner, RunnerEvents, RunningPlugin } from '../runner.ts'
import { BoundedSender } from './bounded-sender.ts'
import { inheritedDescriptors } from './inherited-descriptors.ts'
import { onLines } from './line-splitter.ts'
import { MessageLimit } from './message-limit.ts'
import { isLog, OutputLimit } from './output-limit.ts'
import { describeEnd } from './plugin-end.ts'
import { pluginEnvironment } from './plugin-environment.ts'
import { heapLimitMiB, MemoryWatch } from './plugin-memory.ts'
import { checkReadable, PluginUsers } from './plugin-users.ts'
import { limitProcess, signalGroup } from './process-limits.ts'
import { sandboxFlags } from './sandbox.ts'
import { makeScratchFolder } from './scratch-folder.ts'

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
    try {
      return this.#start(plugin, events)
    } catch (error) {
      return notStarted(error as Error, events)
    }
  }

  #start(plugin: PluginPackage, events: RunnerEvents): RunningPlugin {
    const { sandbox, memoryMiB } = this.#isolation
    const inspectPort = this.#takeInspectPort()
    const uid = this.#users?.uidOf(plugin.name)
    if (uid !== undefined) {
      for (const path of [process.execPath, this.#program, plugin.folder]) checkReadable(path, uid)
    }
    const scratch = makeScratchFolder(uid)
    const heapMiB = heapLimitMiB(memoryMiB)
    const env = pluginEnvironment(this.#env, plugin.manifest.permissions?.env ?? [])
    const child = fork(this.#program, inheritedDescriptors().map(String), {
      cwd: scratch.path,
      // The host's home says nothing to another user.
      env: { ...env, ...(uid !== undefined && { HOME: scratch.path }), TMPDIR: scratch.path },
      execArgv: [
        `--max-old-space-size=${heapMiB}`,
        ...(sandbox ? sandboxFlags(plugin, { program: this.#program, scratch: scratch.path }) : []),
        ...(inspectPort === undefined ? [] : [`--inspect=127.0.0.1:${inspectPort}`, '--allow-inspector']),
      ],
      // Structured clone: secret bytes travel as bytes.
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // A session of its own: a Ctrl-C for the host does not reach it, and what it starts can be ended with it.
      detached: true,
      ...(uid !== undefined && { uid, gid: uid }),
    })
    if (child.pid !== undefined) limitProcess(child.pid)

    const lastLines: string[] = []
    let isEnded = false
    let killCause: string | undefined
    let reachedHeapMiB: number | undefined
    const kill = (cause: string) => {
      if (isEnded) return
      killCause ??= cause
      signalGroup(child.pid, 'SIGKILL')
      // What it has sent is not even read: after a flood that would take the host's time from everybody else.
      if (child.connected) child.disconnect()
    }
    const streams = [child.stdout, child.stderr].filter((stream) => stream !== null)
    const output = new OutputLimit(streams, (line) => events.output(line))
    for (const stream of streams) {
      onLines(stream, maxLineLength, (line) => {
        if (isEnded) return
        // Dozens of lines with addresses follow it.
        if (line.includes('JavaScript heap out of memory')) reachedHeapMiB = heapMiB
        lastLines.push(line)
        if (lastLines.length > maxLastLines) lastLines.shift()
        if (output.take()) events.output(line)
      })
    }
    const messages = new MessageLimit()
    child.on('message', (message: unknown) => {
      // What is on its way from one that is being killed is of no use to anybody.
      if (isEnded || killCause !== undefined) return
      if (messages.isFlood()) return kill('flooded the host with messages')
      if (isLog(message) && !output.take()) return
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
      memory?.close()
      output.close()
      isEnded = true
      if (inspectPort !== undefined) this.#portsInUse.delete(inspectPort)
      // A program that left the group may hold the output open; nobody listens to it any more.
      for (const stream of streams) stream.destroy()
      events.ended(describeEnd({ child, lastLines, killCause, startError, reachedHeapMiB }))
      void scratch.remove().then(resolve)
    }
    // `close` comes when the last lines have been read, and they usually say why. It does not come while a program that
    // the plugin has started holds the plugin's output open: so the exit counts, after a moment for the lines.
    child.once('close', () => end())
    child.once('exit', () => {
      signalGroup(child.pid, 'SIGKILL')
      // Lines of a flood are held back.
      for (const stream of streams) stream.resume()
      setTimeout(end, lastLinesMs)
    })
    child.on('error', (error) => {
      // A failed send is an error too; the end of the process, which follows, explains it better.
      if (child.pid === undefined) end(error)
    })
    return {
      pid: child.pid,
      memoryBytes: () => memory?.bytes,
      send: (message) => {
        messages.countSent()
        if (!isEnded) sender.send(message)
      },
      async stop(graceMs) {
        if (!isEnded) sender.send({ type: 'shutdown' })
        // Half way, those that do not come to an end by themselves are asked as programs are, and what they have started.
        const ask = setTimeout(() => signalGroup(child.pid, 'SIGTERM'), graceMs / 2)
        const make = setTimeout(() => signalGroup(child.pid, 'SIGKILL'), graceMs)
        await closed
        clearTimeout(ask)
        clearTimeout(make)
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

function notStarted(error: Error, events: RunnerEvents): RunningPlugin {
  const end: PluginEnd = { cause: `could not be started: ${error.message}`, lastLines: [] }
  // Not before the caller has what it is told about.
  const ended = Promise.resolve().then(() => events.ended(end))
  return {
    pid: undefined,
    memoryBytes: () => undefined,
    send: () => {},
    stop: async () => await ended,
    kill: async () => await ended,
  }
}

function ignore(): void {}

const maxLastLines = 20
const maxLineLength = 4096
const lastLinesMs = 200
