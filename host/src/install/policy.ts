import type { Permissions } from '../plugins/permissions.ts'
import type { LockEntry } from './lock-file.ts'

/** What an operator allows on a host, whoever installs. */
export interface PluginPolicy {
  /** Package names; `*` stands for any characters but `/`. Without it, all are allowed. */
  allow?: readonly string[]
  /** Whether only plugins are loaded whose files a lock file vouches for. */
  requireIntegrity: boolean
  /** Repositories of which one must be proven to be where a plugin was built; `*` as above. */
  requireProvenance?: readonly string[]
  /** What plugins may do beyond what they ask for, by package name. */
  grant?: Readonly<Record<string, Permissions>>
}

/** Why the policy keeps a package out. */
export function refusedByPolicy(
  { name, tree, repository }: { name: string; tree?: string; repository?: string },
  { allow, requireIntegrity, requireProvenance }: PluginPolicy,
): string | undefined {
  if (allow !== undefined && !allow.some((pattern) => matches(name, pattern))) {
    return `pluginPolicy.allow of the configuration does not name it (${allow.join(', ') || 'it is empty'})`
  }
  if (requireIntegrity && tree === undefined) {
    return 'pluginPolicy.requireIntegrity of the configuration wants a lock file for it; install it with "mcm plugin add"'
  }
  const isTrusted = (pattern: string) => repository !== undefined && matches(repository, pattern)
  if (requireProvenance && !requireProvenance.some(isTrusted)) {
    const wanted = requireProvenance.join(', ') || 'nowhere: the list is empty'
    const found = repository === undefined ? 'nothing proves where it was built' : `it was built from ${repository}`
    return `pluginPolicy.requireProvenance of the configuration wants it built from ${wanted}; ${found}`
  }
  return undefined
}

/** For the policy: where a plugin was proven to be built. */
export function builtFrom({ provenance }: Pick<LockEntry, 'provenance'>): { repository?: string } {
  return provenance === 'none' ? {} : { repository: provenance.repository }
}

function matches(name: string, pattern: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[^\w]/g, '\\$&'))
  return new RegExp(`^${parts.join('[^/]*')}$`).test(name)
}
