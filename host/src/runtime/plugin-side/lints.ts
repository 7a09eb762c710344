import { type CallContext, MachineError } from '@mcm/sdk'
import type { DriverMethod } from '@mcm/sdk/contract'

/**
 * What authors should know about their plugin while they work on it, in plain words: things that work today and hurt
 * later. Each is said once per method.
 */
export class Lints {
  readonly #warn: (text: string) => void
  readonly #said = new Set<string>()

  constructor(warn: (text: string) => void) {
    this.#warn = warn
  }

  /** Looks at what everybody shares before the plugin is loaded, and, when the returned function is called, again. */
  watchGlobals(): () => void {
    const before = snapshot()
    return () => {
      const patched = [...snapshot()].filter(([path, value]) => before.has(path) && before.get(path) !== value)
      const added = [...snapshot().keys()].filter((path) => !before.has(path))
      if (patched.length > 0) {
        const names = patched.map(([path]) => path).join(', ')
        this.#say('globals', `it replaces ${names}: other libraries in the process rely on these. Wrap, don't patch`)
      }
      const prototypes = added.filter((path) => path.includes('.prototype.'))
      if (prototypes.length > 0) {
        this.#say('prototypes', `it adds ${prototypes.join(', ')}: use a function of your own`)
      }
    }
  }

  /** The same context, and a function to call at the end of the call. */
  watchSignal(method: DriverMethod, context: CallContext): { context: CallContext; ended: () => void } {
    const startMs = performance.now()
    let isSeen = false
    const { signal } = context
    const watched = {
      ...context,
      get signal() {
        isSeen = true
        return signal
      },
    }
    const ended = () => {
      // A method that waits for nothing needs no signal. At a breakpoint every method waits.
      if (isSeen || hasDebugger || performance.now() - startMs < waitingMs) return
      const text = `${method} waits, but never looks at context.signal: a cancelled call goes on, and keeps its machine busy. Hand the signal to everything that waits`
      this.#say(`signal ${method}`, text)
    }
    return { context: watched, ended }
  }

  /** A method has thrown something. */
  thrown(method: DriverMethod, error: unknown, signal: AbortSignal): void {
    // What a library throws at an abort says the same as the signal.
    if (MachineError.is(error) || signal.aborted) return
    const text = `${method} threw ${nameOf(error)}, which is no MachineError: callers see Internal, and blame on the plugin. Throw MachineError with a code, and the error as its cause`
    this.#say(`error ${method}`, text)
  }

  #say(key: string, text: string): void {
    if (this.#said.has(key)) return
    this.#said.add(key)
    this.#warn(`lint: ${text}`)
  }
}

function nameOf(error: unknown): string {
  try {
    return error instanceof Error ? `${error.name} (${String(error.message).split('\n')[0]})` : String(error)
  } catch {
    // It has no prototype, or its own code throws.
    return 'something that is no text'
  }
}

const hasDebugger = process.execArgv.some((flag) => flag.startsWith('--inspect'))
// Longer than any computation, shorter than a cloud's answer.
const waitingMs = 50

const shared: Record<string, object> = {
  globalThis,
  process,
  console,
  JSON,
  Math,
  Reflect,
  Object,
  Promise,
  ...Object.fromEntries(
    [Object, Function, Array, String, Number, Promise, Map, Set, Date, RegExp, Error, Buffer, URL, AbortSignal].map(
      ({ name, prototype }) => [`${name}.prototype`, prototype],
    ),
  ),
}

/** The functions and values behind what everybody shares. Getters are looked at, not called: many load something. */
function snapshot(): Map<string, unknown> {
  const values = new Map<string, unknown>()
  for (const [owner, object] of Object.entries(shared)) {
    for (const [key, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(object))) {
      const path = owner === 'globalThis' ? key : `${owner}.${key}`
      // Node replaces its lazy globals by their values at first use.
      if (descriptor.get && owner === 'globalThis') continue
      const value: unknown = descriptor.get ?? descriptor.value
      if (typeof value === 'function') values.set(path, value)
    }
  }
  return values
}
