import { type Candidate, checkCandidates } from './check-candidates.ts'
import { type LockEntry, type LockedPlugins, writeLockFile } from './lock-file.ts'
import { beyondGranted, type Consent } from './permissions.ts'
import type { PluginFolder } from './plugin-folder.ts'
import type { PluginPolicy } from './policy.ts'
import { type Workshop, withWorkshop } from './workshop.ts'

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
  /** What whoever installs it should know. */
  notes?: readonly string[]
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
  return await withWorkshop(folder, signal, async (workshop) => {
    const { locked } = workshop
    const candidates = await checkCandidates(await make(workshop), locked, policy)
    const changes = candidates.map(({ name, entry, notes }) => ({ name, before: locked[name], after: entry, notes }))
    if (isDryRun) return changes
    const requests = candidates.map(({ name, entry: { version, permissions } }) => {
      return { name, version, permissions, fresh: beyondGranted(permissions, locked[name]?.permissions ?? []) }
    })
    await consent(requests.filter(({ fresh }) => fresh.length > 0))
    signal.throwIfAborted()
    for (const candidate of candidates) await workshop.putInPlace(candidate)
    const entries = candidates.map(({ name, entry }) => [name, entry] as const)
    await writeLockFile(folder.lockFile, { ...locked, ...Object.fromEntries(entries) })
    return changes
  })
}

/** Takes plugins out of the lock file, and then away. */
export async function removePlugins(
  folder: PluginFolder,
  choose: (locked: LockedPlugins) => string[],
  signal: AbortSignal,
): Promise<Change[]> {
  return await withWorkshop(folder, signal, async ({ locked, removeTrees }) => {
    const names = choose(locked)
    const left = Object.fromEntries(Object.entries(locked).filter(([name]) => !names.includes(name)))
    await writeLockFile(folder.lockFile, left)
    await removeTrees(left)
    return names.map((name) => ({ name, before: locked[name], after: undefined }))
  })
}
