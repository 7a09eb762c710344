import { isPlugin, type Plugin } from '@mcm/sdk'

/** Imports a plugin package. Fails with a sentence for the author where it is none. */
export async function loadPlugin(entryUrl: string): Promise<Plugin> {
  const module: unknown = await import(entryUrl)
  const plugin: unknown = typeof module === 'object' && module !== null ? Reflect.get(module, 'default') : undefined
  if (!isPlugin(plugin)) {
    throw new TypeError(`${entryUrl} is not a plugin: its default export must be what definePlugin() returned`)
  }
  return plugin
}
