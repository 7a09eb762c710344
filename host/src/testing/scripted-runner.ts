import type { PluginPackage } from '../plugins/plugin-package.ts'
import type { HostMessage } from '../runtime/messages.ts'
import type { Runner, RunnerEvents, RunningPlugin } from '../runtime/runner.ts'

/** A plugin of a {@link ScriptedRunner}: does what the test says. */
export interface ScriptedPlugin {
  plugin: PluginPackage
  events: RunnerEvents
  /** What the host has sent. */
  sent: HostMessage[]
  /** Graces of the stops that the host asked for. */
  stops: number[]
  /** Causes for which the host killed it. */
  kills: string[]
  /** Says hello with the nonce that it was told, and answers the first question. */
  greet(parts?: object): void
  /** Ends by itself. */
  end(cause: string, lastLines?: string[]): void
  /** Answers the last call. */
  answer(response?: unknown): void
}

/** What {@link ScriptedPlugin.greet} says. */
export const scriptedHello = {
  contract: 1,
  sdkVersion: '0.1.0',
  provider: 'A',
  aliases: [],
  providerSpec: {},
  secret: { token: 'required' },
  capabilities: ['createMachine', 'fly'],
}

/** Runs plugins that do what a test says. One that is asked to stop, or is killed, does so at the next turn. */
export class ScriptedRunner implements Runner {
  readonly started: ScriptedPlugin[] = []

  start(plugin: PluginPackage, events: RunnerEvents): RunningPlugin {
    const { promise: ended, resolve } = Promise.withResolvers<void>()
    const sent: HostMessage[] = []
    const stops: number[] = []
    const kills: string[] = []
    let isEnded = false
    const end = (cause: string, lastLines: string[] = []) => {
      if (isEnded) return
      isEnded = true
      resolve()
      events.ended({ cause, lastLines })
    }
    this.started.push({
      plugin,
      events,
      sent,
      stops,
      kills,
      end,
      greet(parts = {}) {
        const nonce = sent.find((message) => message.type === 'start')?.nonce
        events.message({ type: 'hello', nonce, hello: { ...scriptedHello, ...parts } })
        events.message({ type: 'health', id: 0 })
      },
      answer(response = {}) {
        const call = sent.findLast((message) => message.type === 'call')
        events.message({ type: 'answer', id: call?.id, response })
      },
    })
    const pid = 1000 + this.started.length
    return {
      pid,
      memoryBytes: () => 1024 * pid,
      send: (message) => void sent.push(message),
      async stop(graceMs) {
        stops.push(graceMs)
        setImmediate(() => end('exited with code 0'))
        await ended
      },
      async kill(cause) {
        kills.push(cause)
        setImmediate(() => end(cause))
        await ended
      },
    }
  }

  get last(): ScriptedPlugin {
    const last = this.started.at(-1)
    if (!last) throw new Error('nothing was started')
    return last
  }
}
