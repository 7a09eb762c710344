import { InstallError } from './install-error.ts'
import { foreignModules } from './installed-plugins.ts'
import { type LockEntry, type LockedPlugins, readLockFile } from './lock-file.ts'
import type { PluginFolder } from './plugin-folder.ts'
import { compareTree, type TreeDifference } from './tree-digest.ts'

/** Whether the files of an installed plugin are still those that were installed. */
export interface Verdict {
  name: string
  entry: LockEntry
  difference: TreeDifference | undefined
}

/** Compares installed plugins, or all of them, with the lock file. */
export async function verifyPlugins(folder: PluginFolder, names: readonly string[]): Promise<Verdict[]> {
  const problem = await foreignModules(folder)
  if (problem !== undefined) throw new InstallError(problem)
  const locked = await readLockFile(folder.lockFile)
  return await Promise.all(
    chosen(locked, names, folder).map(async ([name, entry]) => {
      return { name, entry, difference: await compareTree(folder.tree({ name, ...entry }), entry.tree) }
    }),
  )
}

/** The entries of some plugins, or of all. Fails where one is not installed. */
export function chosen(locked: LockedPlugins, names: readonly string[], folder: PluginFolder): [string, LockEntry][] {
  if (names.length === 0) return Object.entries(locked)
  return [...new Set(names)].map((name) => {
    const entry = locked[name]
    if (Object.hasOwn(locked, name) && entry) return [name, entry]
    const have = Object.keys(locked).join(', ') || 'none'
    throw new InstallError(`no plugin ${JSON.stringify(name)} is installed in ${folder.path} (there are: ${have})`)
  })
}
