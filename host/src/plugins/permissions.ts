import { readFilePermission } from './file-permission.ts'

/** What a plugin may do beyond reading its own package. */
export interface Permissions {
  /** Hosts that it talks to. With any, it may use the network and Unix sockets. */
  net?: string[]
  /** Unix sockets that it talks to. The same switch as `net`. */
  unixSockets?: string[]
  /** Files and folders that it reads and writes: `/path`, `~/path`, or `*` for all; `read:/path` to read only. */
  files?: string[]
  /** Environment variables that it reads. */
  env?: string[]
  /** Programs that it starts. With any, it may start every program, which no sandbox holds. */
  programs?: string[]
  /** Packages with native code that it loads. With any, it may load all native code, which no sandbox holds. */
  addons?: string[]
}

/** All kinds of permissions, in the order in which people are shown them. */
export const permissionKinds = ['net', 'unixSockets', 'files', 'env', 'programs', 'addons'] as const

/** What a plugin may do: what its manifest asks for, and what the operator grants beyond that. */
export function permissionsOf({ manifest, granted = {} }: Permitted): Permissions {
  const asked = manifest.permissions ?? {}
  const all = permissionKinds.map((kind) => [kind, [...(asked[kind] ?? []), ...(granted[kind] ?? [])]] as const)
  return Object.fromEntries(all.filter(([, texts]) => texts.length > 0))
}

/** What is wrong with one text of a kind; undefined when it can be granted. */
export function wrongPermission(kind: string, text: string): string | undefined {
  const quoted = JSON.stringify(text)
  if (kind === 'files' && !readFilePermission(text)) {
    return `has ${quoted}; it takes "/path", "~/path" or "*", each also as "read:…"`
  }
  if (kind === 'env' && changesRuntime.test(text)) {
    return `has ${quoted}, which would change how the plugin's process is run`
  }
  return undefined
}

interface Permitted {
  manifest: { permissions?: Permissions }
  granted?: Permissions
}

// With these, whoever starts the host for something else would open the sandbox or load code into the plugin.
const changesRuntime = /^(NODE_(?!ENV$|EXTRA_CA_CERTS$|TLS_REJECT_UNAUTHORIZED$)|LD_|DYLD_|OPENSSL_)/
