import { isBundle, unpackBundle } from './bundle.ts'
import { type Change, type ChangeContext, changePlugins } from './change-plugins.ts'
import type { Candidate } from './check-candidates.ts'
import type { Origin } from './check-origin.ts'
import { InstallError } from './install-error.ts'
import type { LockEntry } from './lock-file.ts'
import { Npm } from './npm.ts'
import { lockedSpec, type PluginSpec, parsePluginSpec } from './plugin-spec.ts'
import { type PackedPackage, packPlugin, stagePlugin } from './stage-plugin.ts'
import { chosen } from './verify-plugins.ts'
import type { Workshop } from './workshop.ts'

/**
 * Installs plugins by what somebody typed.
 *
 * @param options.integrity What the tarball of the one plugin has to be.
 */
export async function addPlugins(
  texts: readonly string[],
  workingDirectory: string,
  context: ChangeContext,
  { integrity }: { integrity?: string } = {},
): Promise<Change[]> {
  const specs = await Promise.all(texts.map((text) => parsePluginSpec(text, workingDirectory)))
  return await changePlugins(context, async (workshop) => await getAll(specs, workshop, context, integrity))
}

/** Gets plugins again by the specs in the lock file: the newest that fits, or what lies there now. */
export async function updatePlugins(
  names: readonly string[],
  context: ChangeContext,
  options: { isDryRun: boolean },
): Promise<Change[]> {
  const { folder } = context
  return await changePlugins(
    context,
    async (workshop) => {
      const entries = chosen(workshop.locked, names, folder)
      const specs = await Promise.all(entries.map(([, { spec }]) => parsePluginSpec(spec, folder.path)))
      return await getAll(specs, workshop, context)
    },
    options,
  )
}

async function getAll(
  specs: readonly PluginSpec[],
  { newFolder, locked }: Workshop,
  { folder, signal }: ChangeContext,
  pinned?: string,
): Promise<Candidate[]> {
  const candidates: Candidate[] = []
  for (const spec of specs) {
    const into = await newFolder()
    if (spec.source === 'tarball' && (await isBundle(spec.path))) {
      if (pinned) throw new InstallError(`${spec.path} is a bundle, which --integrity cannot pin; check its lock file`)
      for (const { name, tree, entry } of await unpackBundle(spec.path, into, signal)) {
        // A bundle says what was proven elsewhere, but that proves nothing here.
        const before = locked[name]
        candidates.push({ name, tree, notes: [], entry: { ...entry, ...proven(before?.tree === entry.tree, before) } })
      }
      continue
    }
    const staging = { npm: await Npm.find(), folder: into, signal }
    const packed = await packPlugin(spec, staging)
    const { name, version, integrity } = packed.plugin
    if (pinned !== undefined && pinned !== integrity) {
      throw new InstallError(
        `${name} ${version} has the integrity\n  ${integrity}, not\n  ${pinned}\nnothing was changed`,
      )
    }
    const origin = spec.source === 'registry' ? await originOf(packed.plugin, staging) : unproven
    const { tree, digest, packages } = await stagePlugin(packed, staging)
    const before = locked[name]
    const isSame = before?.integrity === integrity && before.version === version
    // The same bytes as before: what was proven of them stays so, also where it cannot be asked today.
    const kept = { ...proven(isSame, before) }
    const { notes, ...found } = origin
    const entry = {
      version,
      ...lockedSpec(spec, folder.path),
      integrity,
      signature: found.signature === 'none' ? kept.signature : found.signature,
      provenance: found.provenance === 'none' ? kept.provenance : found.provenance,
      tree: digest,
      packages,
    }
    candidates.push({ name, tree, entry, notes })
  }
  return candidates
}

type Proof = Pick<LockEntry, 'signature' | 'provenance'>

const unproven: Origin = { signature: 'none', provenance: 'none', notes: [] }

function proven(isSame: boolean, before: Proof | undefined): Proof {
  const { signature, provenance } = isSame && before ? before : unproven
  return { signature, provenance }
}

async function originOf(
  plugin: PackedPackage,
  { npm, folder, signal }: Parameters<typeof packPlugin>[1],
): Promise<Origin> {
  // Loaded when they are needed: a registry's libraries would slow the start of every command.
  const [{ checkOrigin }, { openRegistry }] = await Promise.all([import('./check-origin.ts'), import('./registry.ts')])
  return await checkOrigin(plugin, await openRegistry(plugin.name, { npm, cwd: folder, signal }), signal)
}
