import type { Plugin } from '@mcm/sdk'
import { isPlugin } from '@mcm/sdk/contract'
import { isSecretKeys } from '../read-message.ts'

/** Imports a plugin package. Fails with a sentence for the author where it is none. */
export async function loadPlugin(entryUrl: string): Promise<Plugin> {
  const module: unknown = await import(entryUrl)
  const plugin: unknown = typeof module === 'object' && module !== null ? Reflect.get(module, 'default') : undefined
  if (!isPlugin(plugin)) {
    throw new TypeError(`${entryUrl} is not a plugin: its default export must be what definePlugin() returned`)
  }
  const wrong = whatIsWrong(plugin)
  if (wrong) throw new TypeError(`${entryUrl} is not a plugin: ${wrong}`)
  return plugin
}

/** The compiler says the same to authors who write TypeScript. */
function whatIsWrong({ provider, providerSpec, secret, createMachine, deleteMachine }: Plugin): string | undefined {
  if (typeof provider !== 'string') return 'definePlugin() needs "provider", a text'
  if (typeof providerSpec !== 'object' || providerSpec === null)
    return 'definePlugin() needs "providerSpec", a JSON Schema'
  if (!isSecretKeys(secret)) {
    return 'definePlugin() needs "secret", an object that says "required", "optional" or { required } for each key'
  }
  if (typeof createMachine !== 'function' || typeof deleteMachine !== 'function') {
    return 'definePlugin() needs at least createMachine() and deleteMachine()'
  }
  return undefined
}
