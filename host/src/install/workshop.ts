import { chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { CheckedCandidate } from './check-candidates.ts'
import { lockFolder } from './folder-lock.ts'
import { InstallError, messageOf } from './install-error.ts'
import { foreignModules } from './installed-plugins.ts'
import { type LockedPlugins, readLockFile } from './lock-file.ts'
import type { PluginFolder } from './plugin-folder.ts'
import { compareTree } from './tree-digest.ts'

/** A plugin folder in the hands of the one who may change it. */
export interface Workshop {
  /** What the lock file says when the work begins. */
  locked: LockedPlugins
  /** Makes an empty folder on the file system of the plugin folder, for nobody else to look into. It is gone afterwards. */
  newFolder(): Promise<string>
  /** Moves a tree beside those in use. It counts once the lock file names it. */
  putInPlace(candidate: Pick<CheckedCandidate, 'name' | 'tree' | 'entry'>): Promise<void>
  /** Removes all trees but those of some plugins. */
  removeTrees(keep: LockedPlugins): Promise<void>
}

/** Does some work on a plugin folder: alone, after what earlier work has left is gone, and with nothing left of its own. */
export async function withWorkshop<Result>(
  folder: PluginFolder,
  signal: AbortSignal,
  work: (workshop: Workshop) => Promise<Result>,
): Promise<Result> {
  await makeFolder(folder)
  try {
    return await workAlone(folder, signal, work)
  } catch (error) {
    // A full disk, a folder of somebody else: said with the path, and without a stack.
    if (error instanceof Error && 'syscall' in error) {
      throw new InstallError(`the plugins in ${folder.path} cannot be changed: ${error.message}`)
    }
    throw error
  }
}

async function workAlone<Result>(
  folder: PluginFolder,
  signal: AbortSignal,
  work: (workshop: Workshop) => Promise<Result>,
): Promise<Result> {
  await using _lock = await lockFolder(folder, signal)
  const problem = await foreignModules(folder)
  if (problem !== undefined) throw new InstallError(problem)
  const locked = await readLockFile(folder.lockFile)
  await rm(folder.staging, { recursive: true, force: true, maxRetries: 3 })
  await mkdir(folder.staging, { mode: 0o700 })
  await mkdir(folder.packages, { recursive: true })
  await chmod(folder.packages, 0o755)
  await removeTrees(folder, locked)
  try {
    return await work({
      locked,
      newFolder: async () => await mkdtemp(join(folder.staging, 'new-')),
      putInPlace: async (candidate) => await putInPlace(candidate, folder),
      removeTrees: async (keep) => await removeTrees(folder, keep),
    })
  } finally {
    await rm(folder.staging, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function makeFolder({ path }: PluginFolder): Promise<void> {
  try {
    const first = await mkdir(path, { recursive: true })
    if (first === undefined) return
    // Whatever the umask: plugins may run as another user. Folders that were there are their owner's business.
    for (let made = path; made.length >= first.length; made = dirname(made)) await chmod(made, 0o755)
  } catch (error) {
    throw new InstallError(`the plugin folder cannot be made: ${messageOf(error)}; name another with --plugin-folder`)
  }
}

/** Removes what earlier changes have replaced, and what those that were killed have left. */
async function removeTrees(folder: PluginFolder, keep: LockedPlugins): Promise<void> {
  const used = Object.entries(keep).map(([name, entry]) => basename(folder.tree({ name, ...entry })))
  for (const name of await readdir(folder.packages)) {
    if (!used.includes(name)) await rm(join(folder.packages, name), { recursive: true, force: true, maxRetries: 3 })
  }
}

async function putInPlace(
  { name, tree, entry }: Pick<CheckedCandidate, 'name' | 'tree' | 'entry'>,
  folder: PluginFolder,
): Promise<void> {
  const place = folder.tree({ name, ...entry })
  // The same files again. What is in use and whole is left alone; what was damaged is replaced.
  if ((await compareTree(place, entry.tree)) === undefined) return
  await rename(place, join(folder.staging, `damaged-${basename(place)}`)).catch(() => {
    // Nothing was there.
  })
  await rename(tree, place)
}
