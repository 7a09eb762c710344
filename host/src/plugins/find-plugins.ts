import type { Dirent } from 'node:fs'
import { readdir, readFile, realpath } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type PackageJson, readManifest } from './manifest.ts'
import type { PluginPackage, RejectedPackage } from './plugin-package.ts'

/** Where to look for plugins. */
export interface PluginSources {
  /** Packages named one by one: a folder, or a package name that is looked up from `workingDirectory`. */
  packages: string[]
  /** Folders with packages in them, either directly or in their `node_modules`. */
  folders: string[]
  workingDirectory: string
}

/** What was found. Of two packages that claim one provider name, the first keeps it. */
export interface FoundPlugins {
  plugins: PluginPackage[]
  rejected: RejectedPackage[]
}

/**
 * Finds plugins: the named packages first, then every package with an `mcm` entry in its package.json in the folders.
 * A package that cannot be used is returned with the reason; only a named package that is not there at all is too.
 */
export async function findPlugins({ packages, folders, workingDirectory }: PluginSources): Promise<FoundPlugins> {
  const found: FoundPlugins = { plugins: [], rejected: [] }
  const named = await Promise.all(packages.map((name) => locatePackage(name, workingDirectory)))
  named.forEach((folder, i) => {
    if (folder === undefined) {
      const name = packages[i] ?? ''
      const reason = isPath(name)
        ? `${resolve(workingDirectory, name)} is no folder with a package.json`
        : `no such package: neither a folder nor installed near ${workingDirectory}; try "npm i ${name}"`
      found.rejected.push(unread(name, reason))
    }
  })
  const listed = await Promise.all(
    folders.map(async (name) => {
      const folder = resolve(workingDirectory, name)
      // Most likely a typing error, after which all plugins in it would be missing without a word.
      const unreadable = await readdir(folder).then(() => undefined, firstLine)
      if (unreadable !== undefined) found.rejected.push(unread(name, `cannot read this plugin folder: ${unreadable}`))
      return await packageFolders(folder)
    }),
  )
  const seen = new Set<string>()
  for (const folder of [...named, ...listed.flat()]) {
    if (folder === undefined) continue
    const real = await realpath(folder)
    if (seen.has(real)) continue
    seen.add(real)
    const isNamed = named.includes(folder)
    const plugin = await readPlugin(real, isNamed)
    if (plugin) place(plugin, found)
  }
  return found
}

function place(plugin: PluginPackage | RejectedPackage, found: FoundPlugins): void {
  if ('reason' in plugin) {
    found.rejected.push(plugin)
    return
  }
  const { name, version, description, folder, manifest } = plugin
  for (const other of found.plugins) {
    const claimed = manifest.providers.find((provider) => other.manifest.providers.includes(provider))
    if (claimed === undefined && other.name !== name) continue
    const reason =
      other.name === name
        ? `${name} ${other.version} was found first, in ${other.folder}`
        : `provider ${claimed} is served by ${other.name} already`
    found.rejected.push({ name, version, description, folder, providers: manifest.providers, reason })
    return
  }
  found.plugins.push(plugin)
}

/** @returns `undefined` for a package that is no plugin and does not claim to be one. */
async function readPlugin(folder: string, isNamed: boolean): Promise<PluginPackage | RejectedPackage | undefined> {
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

function unread(name: string, reason: string): RejectedPackage {
  return { name, version: '', description: '', folder: '', providers: [], reason }
}

/** Whether a plugin was named by a path rather than as a package. */
function isPath(name: string): boolean {
  return isAbsolute(name) || /^\.\.?(\/|$)/.test(name)
}

function firstLine(error: unknown): string {
  return (error as Error).message.split('\n')[0] ?? ''
}

/** The module that `import` would load, by Node's rules for `exports` and `main`. */
function entryOf({ exports, main = 'index.js' }: { exports?: unknown; main?: string }): string {
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

async function locatePackage(name: string, workingDirectory: string): Promise<string | undefined> {
  const folder = resolve(workingDirectory, name)
  if (await isPackage(folder)) return folder
  // Not resolve(): a package whose entry is missing is still there, and its reason is worth reading.
  for (const path of createRequire(join(workingDirectory, 'index.js')).resolve.paths(name) ?? []) {
    if (await isPackage(join(path, name))) return join(path, name)
  }
  return undefined
}

/** The packages in a folder: its children, scoped children, and those of its `node_modules`. Sorted, so that the order is the same everywhere. */
async function packageFolders(folder: string): Promise<string[]> {
  const roots = [folder, join(folder, 'node_modules')]
  const children = (await Promise.all(roots.map(subfolders))).flat()
  const scoped = await Promise.all(children.filter((child) => isScope(child)).map(subfolders))
  const candidates = [...children, ...scoped.flat()]
  const checks = await Promise.all(candidates.map(isPackage))
  return candidates.filter((_, i) => checks[i]).sort()
}

async function subfolders(folder: string): Promise<string[]> {
  const entries: Dirent[] = await readdir(folder, { withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
    .filter((entry) => entry.name !== 'node_modules' && !entry.name.startsWith('.'))
    .map((entry) => join(folder, entry.name))
}

function isScope(folder: string): boolean {
  return folder.startsWith('@', dirname(folder).length + 1)
}

async function isPackage(folder: string): Promise<boolean> {
  return await readFile(join(folder, 'package.json')).then(
    () => true,
    () => false,
  )
}
