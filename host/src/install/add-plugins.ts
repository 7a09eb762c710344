import { isBundle, unpackBundle } from './bundle.ts'
import { type Change, type ChangeContext, changePlugins, type Workshop } from './change-plugins.ts'
import type { Candidate } from './check-candidates.ts'
import { Npm } from './npm.ts'
import { lockedSpec, type PluginSpec, parsePluginSpec } from './plugin-spec.ts'
import { stagePlugin } from './stage-plugin.ts'
import { chosen } from './verify-plugins.ts'

/** Installs plugins by what somebody typed. */
export async function addPlugins(
  texts: readonly string[],
  workingDirectory: string,
  context: ChangeContext,
): Promise<Change[]> {
  const specs = await Promise.all(texts.map((text) => parsePluginSpec(text, workingDirectory)))
  return await changePlugins(context, async (workshop) => await getAll(specs, workshop, context))
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
  { newFolder }: Workshop,
  { folder, signal }: ChangeContext,
): Promise<Candidate[]> {
  const candidates: Candidate[] = []
  for (const spec of specs) {
    const into = await newFolder()
    if (spec.source === 'tarball' && (await isBundle(spec.path))) {
      candidates.push(...(await unpackBundle(spec.path, into, signal)))
      continue
    }
    const staged = await stagePlugin(spec, { npm: await Npm.find(), folder: into, signal })
    const { name, version, tree, digest, integrity, dependencies } = staged
    const entry = { version, ...lockedSpec(spec, folder.path), integrity, tree: digest, dependencies }
    candidates.push({ name, tree, entry })
  }
  return candidates
}
