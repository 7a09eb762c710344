import type { PluginPackage } from '../plugins/plugin-package.ts'
import { readPlugin } from '../plugins/read-plugin.ts'
import { InstallError } from './install-error.ts'
import type { LockEntry, LockedPlugins } from './lock-file.ts'
import { permissionTexts } from './permissions.ts'
import { packageIn } from './plugin-folder.ts'
import { builtFrom, type PluginPolicy, refusedByPolicy } from './policy.ts'

/** A plugin that is ready to be put in place, if nothing speaks against it. */
export interface Candidate {
  name: string
  /** Where its tree lies now. */
  tree: string
  /** What whoever installs it should know of where it comes from. */
  notes: string[]
  entry: Pick<LockEntry, 'version' | 'spec' | 'source' | 'integrity' | 'signature' | 'provenance' | 'tree' | 'packages'>
}

/** A candidate that can be used, with its whole entry. */
export interface CheckedCandidate extends Candidate {
  entry: LockEntry
}

/**
 * Checks that packages are plugins of this contract and host, that the policy allows them, and that no provider would
 * be served twice. Tells all that is wrong at once.
 */
export async function checkCandidates(
  candidates: readonly Candidate[],
  locked: LockedPlugins,
  policy: PluginPolicy,
): Promise<CheckedCandidate[]> {
  const problems: string[] = []
  const checked: CheckedCandidate[] = []
  for (const candidate of candidates) {
    const { name, tree, entry } = candidate
    const complain = (reason: string) => problems.push(`${name} ${entry.version}: ${reason}`)
    if (checked.some((other) => other.name === name)) complain('it is named twice')
    // It will be in the lock file.
    const refused = refusedByPolicy({ name, tree: entry.tree, ...builtFrom(entry) }, policy)
    if (refused !== undefined) complain(refused)
    const plugin = await readPlugin(packageIn(tree, name), true)
    if (!plugin || 'reason' in plugin) {
      // Where it lies now is of no use to anybody.
      complain((plugin?.reason ?? 'it is no plugin').replaceAll(`${packageIn(tree, name)}/`, 'its '))
      continue
    }
    const { manifest } = plugin
    const others = { ...locked, ...Object.fromEntries(checked.map((other) => [other.name, other.entry])) }
    for (const [other, { providers }] of Object.entries(others)) {
      const claimed = manifest.providers.filter((provider) => providers.includes(provider))
      const isReplaced =
        other === name || candidates.some((candidate) => candidate.name === other && !isIn(checked, other))
      if (claimed.length === 0 || isReplaced) continue
      complain(`it serves ${claimed.join(', ')}, and so does ${other}, which is installed; remove that first`)
    }
    checked.push({ ...candidate, entry: { ...entry, ...fromManifest(plugin) } })
  }
  if (problems.length > 0) throw new InstallError(`${problems.join('\n')}\nnothing was changed`)
  return checked
}

function isIn(checked: readonly Candidate[], name: string): boolean {
  return checked.some((candidate) => candidate.name === name)
}

function fromManifest({ manifest }: PluginPackage): Pick<LockEntry, 'contract' | 'providers' | 'permissions'> {
  return {
    contract: manifest.contract,
    providers: manifest.providers,
    permissions: permissionTexts(manifest.permissions),
  }
}
