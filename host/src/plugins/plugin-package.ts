import type { PluginManifest } from './manifest.ts'
import type { Permissions } from './permissions.ts'

/** A plugin package on disk that can be used. */
export interface PluginPackage {
  /** npm package name. */
  name: string
  version: string
  description: string
  folder: string
  /** URL of the module whose default export is the plugin. */
  entry: string
  manifest: PluginManifest
  /** What the operator grants beyond what the manifest asks for. */
  granted?: Permissions
  /** Digest of all its files, where a lock file vouches for them. */
  tree?: string
  /** The repository that it was proven to be built from when it was installed. */
  repository?: string
}

/** A plugin package on disk that cannot be used, and why. */
export interface RejectedPackage {
  name: string
  version: string
  description: string
  folder: string
  /** Provider names that it claims, as far as they can be read. */
  providers: string[]
  reason: string
}

/** A plugin's own name among those of the providers that it serves: the first. */
export function ownProvider({ name, manifest }: Pick<PluginPackage, 'name' | 'manifest'>): string {
  return manifest.providers[0] ?? name
}
