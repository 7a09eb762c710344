import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type Candidate, type CheckedCandidate, checkCandidates } from './check-candidates.ts'
import { lockFolder } from './folder-lock.ts'
import { InstallError, messageOf } from './install-error.ts'
import { foreignModules } from './installed-plugins.ts'
import { type LockEntry, type LockedPlugins, readLockFile, writeLockFile } from './lock-file.ts'
import { beyondGranted, type Consent } from './permissions.ts'
import type { PluginFolder } from './plugin-folder.ts'
import type { PluginPolicy } from './policy.ts'
import { compareTree } from './tree-digest.ts'

/** What every change of a plugin folder needs. */
export interface ChangeContext {
  folder: PluginFolder
  policy: PluginPolicy
  consent: Consent
  signal: AbortSignal
}

/** What became of one plugin. */
export interface Change {
  name: string
  /** Undefined for a plugin that is new. */
  before: LockEntry | undefined
  /** Undefined for a plugin that was removed. */
  after: LockEntry | undefined
}

/** A change in the making. */
export interface Workshop {
  locked: LockedPlugins
  /** An empty folder on the file system of the plugin folder. It is gone afterwards. */
  newFolder(): Promise<string>
}

/**
 * Puts new plugins in place of old ones, all or none: they are made in the staging folder, checked, consented to, and
 * moved beside the trees in use. Then the lock file is replaced, and that is the moment in which they count. Whatever
 * ends the process, a host finds the old or the new state.
 *
 * A tree that is replaced stays until the next change, since a running host may still load files from it.
 */
export async function changePlugins(
  { folder, policy, consent, signal }: ChangeContext,
  make: (workshop: Workshop) => Promise<Candidate[]>,
  { isDryRun = false } = {},
): Promise<Change[]> {
  await makeFolder(folder)
  await using _lock = await lockFolder(folder, signal)
  const problem = await foreignModules(folder)
  if (problem !== undefined) throw new InstallError(problem)
  const locked = await readLockFile(folder.lockFile)
  await removeLeftovers(folder, locked)
  try {
    const newFolder = async () => await mkdtemp(join(folder.staging, 'new-'))
    const candidates = await checkCandidates(await make({ locked, newFolder }), locked, policy)
    const changes = candidates.map(({ name, entry }) => ({ name, before: locked[name], after: entry }))
    if (isDryRun) return changes
    const requests = candidates.map(({ name, entry: { version, permissions } }) => {
      return { name, version, permissions, fresh: beyondGranted(permissions, locked[name]?.permissions ?? []) }
    })
    await consent(requests.filter(({ fresh }) => fresh.length > 0))
    signal.throwIfAborted()
    for (const candidate of candidates) await putInPlace(candidate, folder)
    const entries = candidates.map(({ name, entry }) => [name, entry] as const)
    await writeLockFile(folder.lockFile, { ...locked, ...Object.fromEntries(entries) })
    return changes
  } finally {
    await rm(folder.staging, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** Takes plugins out of the lock file, and then away. */
export async function removePlugins(
  folder: PluginFolder,
  choose: (locked: LockedPlugins) => string[],
  signal: AbortSignal,
): Promise<Change[]> {
  await makeFolder(folder)
  await using _lock = await lockFolder(folder, signal)
  const locked = await readLockFile(folder.lockFile)
  const names = choose(locked)
  const left = Object.fromEntries(Object.entries(locked).filter(([name]) => !names.includes(name)))
  await writeLockFile(folder.lockFile, left)
  await removeLeftovers(folder, left)
  await rm(folder.staging, { recursive: true, force: true, maxRetries: 3 })
  return names.map((name) => ({ name, before: locked[name], after: undefined }))
}

async function makeFolder({ path }: PluginFolder): Promise<void> {
  try {
    await mkdir(path, { recursive: true })
  } catch (error) {
    throw new InstallError(`the plugin folder cannot be made: ${messageOf(error)}; name another with --plugin-folder`)
  }
}

/** Removes what earlier changes have replaced, and what those that were killed have left. */
async function removeLeftovers(folder: PluginFolder, locked: LockedPlugins): Promise<void> {
  await rm(folder.staging, { recursive: true, force: true, maxRetries: 3 })
  await mkdir(folder.staging)
  await mkdir(folder.packages, { recursive: true })
  const used = Object.entries(locked).map(([name, entry]) => basename(folder.tree({ name, ...entry })))
  for (const name of await readdir(folder.packages)) {
    if (!used.includes(name)) await rm(join(folder.packages, name), { recursive: true, force: true, maxRetries: 3 })
  }
}

async function putInPlace({ name, tree, entry }: CheckedCandidate, folder: PluginFolder): Promise<void> {
  const place = folder.tree({ name, ...entry })
  // The same files again. What is in use and whole is left alone; what was damaged is replaced.
  if ((await compareTree(place, entry.tree)) === undefined) return
  await rename(place, join(folder.staging, `damaged-${basename(place)}`)).catch(() => {
    // Nothing was there.
  })
  await rename(tree, place)
}
