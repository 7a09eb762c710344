import { stat } from 'node:fs/promises'
import type { PluginPackage, RejectedPackage } from '../plugins/plugin-package.ts'
import { readPlugin } from '../plugins/read-plugin.ts'
import { messageOf } from './install-error.ts'
import { type LockEntry, type LockedPlugins, readLockFileIfThere } from './lock-file.ts'
import { beyondGranted, permissionTexts } from './permissions.ts'
import { PluginFolder, packageIn } from './plugin-folder.ts'
import { builtFrom } from './policy.ts'
import { compareTree, describeDifference } from './tree-digest.ts'

/**
 * What a host loads from a plugin folder: the plugins that the lock file names, each only if its files are those that
 * were installed and it asks for no more than was granted.
 *
 * @returns `undefined` for a folder without a lock file.
 */
export async function readInstalledPlugins(path: string): Promise<(PluginPackage | RejectedPackage)[] | undefined> {
  const folder = new PluginFolder(path)
  for (let attempt = 1; ; attempt++) {
    let locked: LockedPlugins | undefined
    try {
      locked = await readLockFileIfThere(folder.lockFile)
    } catch (error) {
      const nothing = { name: folder.lockFile, version: '', description: '', folder: folder.path, providers: [] }
      return [{ ...nothing, reason: messageOf(error) }]
    }
    if (locked === undefined) return undefined
    const entries = Object.entries(locked)
    const problem = await foreignModules(folder)
    const plugins = await Promise.all(entries.map(([name, entry]) => readInstalled(folder, name, entry, problem)))
    // A plugin that was replaced or removed meanwhile is no damage: look again, but not for ever.
    if (attempt === attempts || !plugins.some((plugin) => 'reason' in plugin)) return plugins
    const after = await readLockFileIfThere(folder.lockFile).catch(() => locked)
    if (JSON.stringify(after) === JSON.stringify(locked)) return plugins
  }
}

const attempts = 3

async function readInstalled(
  folder: PluginFolder,
  name: string,
  entry: LockEntry,
  problem: string | undefined,
): Promise<PluginPackage | RejectedPackage> {
  const { version, providers } = entry
  const tree = folder.tree({ name, ...entry })
  const rejected = { name, version, description: '', folder: packageIn(tree, name), providers }
  if (problem !== undefined) return { ...rejected, reason: problem }
  const difference = await compareTree(tree, entry.tree)
  if (difference) {
    const what = describeDifference(difference)
    return { ...rejected, reason: `its files differ from the lock file: ${what}; run "mcm plugin verify"` }
  }
  // Never undefined for a package that is named.
  const plugin = (await readPlugin(packageIn(tree, name), true)) ?? { ...rejected, reason: 'it is no plugin' }
  if ('reason' in plugin) return { ...plugin, name, version }
  if (plugin.name !== name || plugin.version !== version) {
    return { ...rejected, reason: `the lock file names it, but its package.json says ${plugin.name} ${plugin.version}` }
  }
  const beyond = beyondGranted(permissionTexts(plugin.manifest.permissions), entry.permissions)
  if (beyond.length > 0) {
    const reason = `it asks for ${beyond.join(', ')}, which the lock file does not grant; run "mcm plugin update ${name}"`
    return { ...rejected, reason }
  }
  return { ...plugin, tree: entry.tree, ...builtFrom(entry) }
}

/** What lies where Node would look for a module that a tree lacks, outside of all that the lock file covers. */
export async function foreignModules(folder: PluginFolder): Promise<string | undefined> {
  for (const path of folder.foreignModules) {
    const isThere = await stat(path).then(
      () => true,
      () => false,
    )
    if (isThere) return `${path} is not of mcm, and plugins would load modules from it; remove it`
  }
  return undefined
}
