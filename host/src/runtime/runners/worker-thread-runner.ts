import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { permissionsOf } from '../../plugins/permissions.ts'
import type { PluginPackage } from '../../plugins/plugin-package.ts'
import type { PluginEnd, Runner, RunnerEvents, RunningPlugin } from '../runner.ts'
import { MessageLimit } from './message-limit.ts'
import { notStarted } from './not-started.ts'
import { pluginEnvironment } from './plugin-environment.ts'
import { heapLimitMiB } from './plugin-memory.ts'
import { PluginOutput } from './plugin-output.ts'

/**
 * Runs each plugin in a thread of the host: a third of a process's memory, and a faster start. An endless loop and a full
 * heap stay in the thread. But there is no sandbox, buffers count as the host's, and native code that crashes takes the
 * host with it. So this is for plugins that the host's own people have written.
 */
export class WorkerThreadRunner implements Runner {
  readonly #memoryMiB: number
  readonly #program: string
  readonly #env: NodeJS.ProcessEnv

  /** @param program The thread's program; the host's build puts it beside the host's. */
  constructor(
    { memoryMiB }: { memoryMiB: number },
    program = fileURLToPath(new URL('./plugin-thread.js', import.meta.url)),
    env: NodeJS.ProcessEnv = process.env,
  ) {
    this.#memoryMiB = memoryMiB
    this.#program = program
    this.#env = env
  }

  start(plugin: PluginPackage, events: RunnerEvents): RunningPlugin {
    try {
      return this.#watch(this.#startThread(plugin), events)
    } catch (error) {
      return notStarted(error as Error, events)
    }
  }

  #startThread(plugin: PluginPackage): Worker {
    return new Worker(this.#program, {
      env: pluginEnvironment(this.#env, permissionsOf(plugin).env ?? []),
      execArgv: [],
      argv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: heapLimitMiB(this.#memoryMiB) },
      name: plugin.name,
    })
  }

  #watch(worker: Worker, events: RunnerEvents): RunningPlugin {
    const output = new PluginOutput([worker.stdout, worker.stderr], (line) => events.output(line))
    const messages = new MessageLimit()
    let isEnded = false
    let endCause: string | undefined
    const kill = (cause: string) => {
      if (isEnded) return
      endCause ??= cause
      void worker.terminate()
    }
    worker.on('message', (message: unknown) => {
      if (isEnded || endCause !== undefined) return
      if (messages.isFlood()) return kill('flooded the host with messages')
      if (!output.passes(message)) return
      try {
        events.message(message)
      } catch (error) {
        kill(`sent what the host cannot read: ${String(error)}`)
      }
    })
    worker.on('messageerror', () => events.message(undefined))
    // What nobody caught in the thread. Its end follows.
    worker.on('error', (error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY') {
        endCause ??= `ran out of memory: its heap reached the limit of ${heapLimitMiB(this.#memoryMiB)} MiB`
      } else {
        for (const line of describe(error).split('\n')) output.add(line)
      }
    })
    const ended = new Promise<void>((resolve) => {
      worker.once('exit', (code) => {
        // What it printed last comes in a turn of its own.
        setImmediate(() => {
          output.close()
          isEnded = true
          const end: PluginEnd = {
            cause: endCause ?? `exited with code ${code}`,
            lastLines: code === 0 ? [] : output.lastLines,
          }
          events.ended(end)
          resolve()
        })
      })
    })
    const send = (message: Parameters<RunningPlugin['send']>[0]) => {
      messages.countSent()
      if (!isEnded) worker.postMessage(message)
    }
    return {
      pid: undefined,
      memoryBytes: () => undefined,
      send,
      async stop(graceMs) {
        send({ type: 'shutdown' })
        const make = setTimeout(() => void worker.terminate(), graceMs)
        await ended
        clearTimeout(make)
      },
      async kill(cause) {
        kill(cause)
        await ended
      },
    }
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
