/** What an operator allows on a host, whoever installs. */
export interface PluginPolicy {
  /** Package names; `*` stands for any characters but `/`. Without it, all are allowed. */
  allow?: readonly string[]
  /** Whether only plugins are loaded whose files a lock file vouches for. */
  requireIntegrity: boolean
}

/** Why the policy keeps a package out. */
export function refusedByPolicy(
  { name, isLocked = false }: { name: string; isLocked?: boolean },
  { allow, requireIntegrity }: PluginPolicy,
): string | undefined {
  if (allow !== undefined && !allow.some((pattern) => matches(name, pattern))) {
    return `pluginPolicy.allow of the configuration does not name it (${allow.join(', ') || 'it is empty'})`
  }
  if (requireIntegrity && !isLocked) {
    return 'pluginPolicy.requireIntegrity of the configuration wants a lock file for it; install it with "mcm plugin add"'
  }
  return undefined
}

function matches(name: string, pattern: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[^\w]/g, '\\$&'))
  return new RegExp(`^${parts.join('[^/]*')}$`).test(name)
}
