import { readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type PackageJson, readManifest } from './manifest.ts'
import type { PluginPackage, RejectedPackage } from './plugin-package.ts'

/**
 * Reads the package in a folder.
 *
 * @param isNamed Whether somebody said that it is a plugin; then it has a reason to be none.
 * @returns `undefined` for a package that is no plugin and does not claim to be one.
 */
export async function readPlugin(
  folder: string,
  isNamed: boolean,
): Promise<PluginPackage | RejectedPackage | undefined> {
  const file = join(folder, 'package.json')
  const rejected = (name: string, reason: string) => ({ ...unread(name, reason), folder })
  let text = ''
  let json: Partial<PackageJson> & { exports?: unknown; main?: string }
  try {
    text = await readFile(file, 'utf8')
    json = JSON.parse(text) as Partial<PackageJson>
    if (typeof json !== 'object' || json === null) throw new TypeError('it is not an object')
  } catch (error) {
    // Most folders in node_modules are not ours; a broken one there is npm's business, unless it means to be a plugin.
    const isOurs = isNamed || text.includes('"mcm"')
    return isOurs ? rejected(folder, `cannot read ${file}: ${(error as Error).message}`) : undefined
  }
  const { name, version, description = '', mcm } = json
  if (mcm === undefined) {
    return isNamed ? rejected(name ?? folder, `${file} has no "mcm" entry, so it is no plugin`) : undefined
  }
  if (typeof name !== 'string' || typeof version !== 'string') {
    return rejected(String(name ?? folder), `${file} needs a name and a version`)
  }
  const result = readManifest({ name, version, mcm })
  if ('reasons' in result) {
    const claimed = typeof mcm === 'object' && mcm !== null ? Reflect.get(mcm, 'providers') : undefined
    const providers = Array.isArray(claimed) ? claimed.filter((item) => typeof item === 'string') : []
    return { name, version, description, folder, providers, reason: result.reasons.join('; ') }
  }
  const { manifest } = result
  try {
    const entry = pathToFileURL(await realpath(join(folder, entryOf(json)))).href
    return { name, version, description, folder, entry, manifest }
  } catch (error) {
    const reason = `its entry cannot be found: ${firstLine(error)}`
    return { name, version, description, folder, providers: manifest.providers, reason }
  }
}

/** A package of which no more is known than that it cannot be read. */
export function unread(name: string, reason: string): RejectedPackage {
  return { name, version: '', description: '', folder: '', providers: [], reason }
}

export function firstLine(error: unknown): string {
  return (error as Error).message.split('\n')[0] ?? ''
}

/** The module that `import` would load, by Node's rules for `exports` and `main`. Throws where `exports` has none. */
export function entryOf({ exports, main = 'index.js' }: { exports?: unknown; main?: string }): string {
  let target = exports
  if (typeof target === 'object' && target !== null && '.' in target) target = target['.']
  while (typeof target === 'object' && target !== null) {
    const [, next] = Object.entries(target).find(([condition]) => importConditions.includes(condition)) ?? []
    if (next === undefined) throw new Error('"exports" has nothing for "import"')
    target = next
  }
  return typeof target === 'string' ? target : main
}

const importConditions = ['node', 'import', 'module-sync', 'default']
