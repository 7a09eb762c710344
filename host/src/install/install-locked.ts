import { unpackBundle } from './bundle.ts'
import type { ChangeContext } from './change-plugins.ts'
import { type Candidate, checkCandidates } from './check-candidates.ts'
import { InstallError, messageOf } from './install-error.ts'
import type { LockEntry } from './lock-file.ts'
import { Npm } from './npm.ts'
import { beyondGranted } from './permissions.ts'
import { type PluginSpec, parsePluginSpec } from './plugin-spec.ts'
import { packPlugin, stagePlugin } from './stage-plugin.ts'
import { compareTree } from './tree-digest.ts'
import { withWorkshop } from './workshop.ts'

/** What became of a plugin that the lock file names. */
export interface Installed {
  name: string
  version: string
  /** Whether it had to be fetched; otherwise it was there. */
  isNew: boolean
}

/**
 * Makes a plugin folder what its lock file says, and leaves the lock file as it is: fetches the plugins that are missing
 * or damaged, from where they came or out of a bundle, and refuses what is not the same to the last byte. All or none.
 */
export async function installLocked(
  { folder, policy, signal }: Omit<ChangeContext, 'consent'>,
  { bundle }: { bundle?: string } = {},
): Promise<Installed[]> {
  return await withWorkshop(folder, signal, async (workshop) => {
    const { locked } = workshop
    const entries = Object.entries(locked)
    if (entries.length === 0) {
      throw new InstallError(`${folder.lockFile} names no plugin; put the lock file there that is to be installed`)
    }
    const bundled = bundle === undefined ? [] : await unpackBundle(bundle, await workshop.newFolder(), signal)
    const missing: Candidate[] = []
    for (const [name, entry] of entries) {
      if ((await compareTree(folder.tree({ name, ...entry }), entry.tree)) === undefined) continue
      const inBundle = bundled.find((plugin) => plugin.name === name)
      const found = inBundle
        ? { tree: inBundle.tree, digest: inBundle.entry.tree }
        : await fetchLocked(name, entry, { folder: await workshop.newFolder(), pluginFolder: folder.path, signal })
      if (found.digest !== entry.tree) throw differs(name, entry, differentFiles)
      missing.push({ name, tree: found.tree, entry, notes: [] })
    }
    for (const { name, entry } of await checkCandidates(missing, {}, policy)) {
      const before = locked[name]
      if (!before) continue
      const beyond = beyondGranted(entry.permissions, before.permissions)
      if (beyond.length > 0) throw differs(name, before, `it asks for ${beyond.join(', ')}, which is not granted there`)
      const isSame = entry.contract === before.contract && `${entry.providers}` === `${before.providers}`
      if (!isSame) throw differs(name, before, 'its contract or providers are not those of its manifest')
    }
    for (const { name, tree } of missing) {
      const entry = locked[name]
      if (entry) await workshop.putInPlace({ name, tree, entry })
    }
    const isNew = (name: string) => missing.some((plugin) => plugin.name === name)
    return entries.map(([name, { version }]) => ({ name, version, isNew: isNew(name) }))
  })
}

async function fetchLocked(
  name: string,
  entry: LockEntry,
  { folder, pluginFolder, signal }: { folder: string; pluginFolder: string; signal: AbortSignal },
): Promise<{ tree: string; digest: string }> {
  const staging = { npm: await Npm.find(), folder, signal }
  const packed = await packPlugin(await specOf(name, entry, pluginFolder), staging)
  const { plugin, linked } = packed
  if (plugin.name !== name || plugin.version !== entry.version) {
    throw differs(name, entry, `${entry.spec} is ${plugin.name} ${plugin.version} now`)
  }
  if (plugin.integrity !== entry.integrity) {
    throw differs(name, entry, `its tarball has the integrity\n  ${plugin.integrity} instead of\n  ${entry.integrity}`)
  }
  for (const { name: other, integrity } of linked) {
    if (entry.packages[`node_modules/${other}`]?.integrity === integrity) continue
    throw differs(name, entry, `${other}, which its folder links to, has changed since`)
  }
  return await stagePlugin(packed, staging, entry.packages)
}

/** Where a plugin of the lock file is fetched: exactly that version, or the same file. */
async function specOf(name: string, { version, spec, source }: LockEntry, pluginFolder: string): Promise<PluginSpec> {
  if (source === 'registry') return { source, text: `${name}@${version}` }
  try {
    return await parsePluginSpec(spec, pluginFolder)
  } catch (error) {
    throw new InstallError(
      `${name} ${version} was added from a ${source} that is not here: ${messageOf(error)}\n${useBundle}\nnothing was changed`,
    )
  }
}

const useBundle =
  'where it is, write a bundle with "mcm plugin bundle"; here, install that with "mcm plugin install --bundle <file>"'

const differentFiles =
  'its files are others; packages for another operating system, or another major version of npm, may be the reason'

function differs(name: string, entry: LockEntry, how: string): InstallError {
  return new InstallError(
    `${name} ${entry.version} is not what the lock file says: ${how}\n${useBundle}\nnothing was changed`,
  )
}
