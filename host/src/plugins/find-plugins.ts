import type { Dirent } from 'node:fs'
import { readdir, readFile, realpath } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import type { PluginPackage, RejectedPackage } from './plugin-package.ts'
import { firstLine, readPlugin, unread } from './read-plugin.ts'

/** Where to look for plugins. */
export interface PluginSources {
  /** Packages named one by one: a folder, or a package name that is looked up from `workingDirectory`. */
  packages: string[]
  /** Folders with packages in them, either directly or in their `node_modules`. */
  folders: string[]
  workingDirectory: string
  /** Reads a folder in which plugins were installed, one by one, with their reasons; `undefined` for any other folder. */
  readInstalled?: (folder: string) => Promise<(PluginPackage | RejectedPackage)[] | undefined>
  /** Why a plugin that could be used must not be. */
  refuse?: (plugin: PluginPackage) => string | undefined
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
export async function findPlugins(sources: PluginSources): Promise<FoundPlugins> {
  const {
    packages,
    folders,
    workingDirectory,
    readInstalled = async () => undefined,
    refuse = () => undefined,
  } = sources
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
  const admit = (plugin: PluginPackage | RejectedPackage) => {
    if ('reason' in plugin) return place(plugin, found)
    const reason = refuse(plugin)
    place(reason === undefined ? plugin : reject(plugin, reason), found)
  }
  const seen = new Set<string>()
  const read = async (folder: string) => {
    const real = await realpath(folder)
    if (seen.has(real)) return
    seen.add(real)
    const plugin = await readPlugin(real, named.includes(folder))
    if (plugin) admit(plugin)
  }
  for (const folder of named) if (folder !== undefined) await read(folder)
  const listed = await Promise.all(
    folders.map(async (relative) => {
      const folder = resolve(workingDirectory, relative)
      // Most likely a typing error, after which all plugins in it would be missing without a word.
      const unreadable = await readdir(folder).then(() => undefined, firstLine)
      if (unreadable !== undefined)
        found.rejected.push(unread(relative, `cannot read this plugin folder: ${unreadable}`))
      return (await readInstalled(folder)) ?? (await packageFolders(folder))
    }),
  )
  for (const item of listed.flat()) {
    if (typeof item === 'string') await read(item)
    else if (!seen.has(item.folder)) {
      seen.add(item.folder)
      admit(item)
    }
  }
  return found
}

function place(plugin: PluginPackage | RejectedPackage, found: FoundPlugins): void {
  if ('reason' in plugin) {
    found.rejected.push(plugin)
    return
  }
  const { name, manifest } = plugin
  for (const other of found.plugins) {
    const claimed = manifest.providers.find((provider) => other.manifest.providers.includes(provider))
    if (claimed === undefined && other.name !== name) continue
    const reason =
      other.name === name
        ? `${name} ${other.version} was found first, in ${other.folder}`
        : `provider ${claimed} is served by ${other.name} already`
    found.rejected.push(reject(plugin, reason))
    return
  }
  found.plugins.push(plugin)
}

function reject({ name, version, description, folder, manifest }: PluginPackage, reason: string): RejectedPackage {
  return { name, version, description, folder, providers: manifest.providers, reason }
}

/** Whether a plugin was named by a path rather than as a package. */
function isPath(name: string): boolean {
  return isAbsolute(name) || /^\.\.?(\/|$)/.test(name)
}

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
