import { stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { relative, resolve } from 'node:path'
import { validRange } from 'semver'
import { InstallError } from './install-error.ts'
import { isPackageName, type LockEntry } from './lock-file.ts'

/** What somebody asks to install: a package of the registry, or something on disk. */
export type PluginSpec = { source: 'registry'; text: string } | { source: 'folder' | 'tarball'; path: string }

/**
 * Reads a spec: `name`, `name@range`, `name@tag`, a folder, or a tarball. Nothing else: URLs may carry passwords, and
 * git repositories must run scripts to be of use.
 */
export async function parsePluginSpec(text: string, workingDirectory: string): Promise<PluginSpec> {
  const isPath = /^(file:|\.{0,2}\/|~\/|\.{1,2}$)/.test(text) || /\.(tgz|tar\.gz)$/.test(text)
  if (isPath && !/^[a-z+]+:\/\//i.test(text)) {
    const path = resolve(workingDirectory, text.replace(/^file:/, '').replace(/^~\//, `${homedir()}/`))
    const found = await stat(path).catch(() => undefined)
    if (!found) throw new InstallError(`${text}: there is no ${path}`)
    return { source: found.isDirectory() ? 'folder' : 'tarball', path }
  }
  const at = text.indexOf('@', 1)
  const name = at < 0 ? text : text.slice(0, at)
  const range = at < 0 ? '' : text.slice(at + 1)
  if (!isPackageName(name) || (validRange(range) === null && !/^[\w.-]+$/.test(range))) {
    const isUrl = /:\/\/|^git/.test(text)
    throw new InstallError(
      `${isUrl ? 'a URL' : JSON.stringify(text)} cannot be installed; name a package (@acme/plugin, @acme/plugin@^1), a folder (./plugin) or a tarball (plugin.tgz)`,
    )
  }
  return { source: 'registry', text }
}

/** The spec as it stands in the lock file, where it means the same wherever mcm is started. */
export function lockedSpec(spec: PluginSpec, pluginFolder: string): Pick<LockEntry, 'spec' | 'source'> {
  if (spec.source === 'registry') return { spec: spec.text, source: 'registry' }
  return { spec: `file:${relative(pluginFolder, spec.path)}`, source: spec.source }
}

/** For npm. */
export function npmSpec(spec: PluginSpec): string {
  return spec.source === 'registry' ? spec.text : spec.path
}
