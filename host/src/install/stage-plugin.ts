import { hash } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InstallError, messageOf } from './install-error.ts'
import { linkedPackages } from './linked-packages.ts'
import { isPackageName, isVersion } from './lock-file.ts'
import type { Npm } from './npm.ts'
import { packageIn } from './plugin-folder.ts'
import { npmSpec, type PluginSpec } from './plugin-spec.ts'
import { formatListing, listingName, listTree, type TreeListing } from './tree-digest.ts'

/** A plugin with all its dependencies, complete, but nowhere yet that counts. */
export interface StagedPlugin {
  name: string
  version: string
  /** The folder of its tree. */
  tree: string
  digest: string
  /** sha512 of its tarball. */
  integrity: string
  /** What came along, as sorted `name@version`. */
  dependencies: string[]
}

/**
 * Gets a plugin and its dependencies with npm, into an empty folder. Whatever it comes from, it goes through a tarball:
 * a folder is packed as it would be published, and never linked. Nothing of it runs.
 */
export async function stagePlugin(
  spec: PluginSpec,
  { npm, folder, signal }: { npm: Npm; folder: string; signal: AbortSignal },
): Promise<StagedPlugin> {
  const tarballs = join(folder, 'tarballs')
  const tree = join(folder, 'tree')
  await mkdir(tarballs, { recursive: true })
  await mkdir(tree)
  const plugin = await pack(npmSpec(spec), { npm, into: tarballs, signal })
  const packed = [plugin]
  if (spec.source === 'folder') {
    for (const linked of await linkedPackages(spec.path))
      packed.push(await pack(linked, { npm, into: tarballs, signal }))
  }
  const dependencies = Object.fromEntries(packed.map(({ name, file }) => [name, `file:${file}`]))
  await writeFile(join(tree, 'package.json'), JSON.stringify({ private: true, dependencies }))
  await npm.run(['install'], { cwd: tree, signal })
  const others = await installedPackages(tree, plugin.name)
  // What is left of npm's work names this folder and the registry, so it would differ from machine to machine.
  for (const name of ['package.json', 'package-lock.json', 'node_modules/.package-lock.json']) {
    await rm(join(tree, name), { force: true })
  }
  const { digest } = await writeListing(tree)
  await rm(tarballs, { recursive: true })
  const { name, version, integrity } = plugin
  return { name, version, tree, digest, integrity, dependencies: others }
}

/** Lists a tree and puts the listing into it, so that `mcm plugin verify` can say later which file has changed. */
export async function writeListing(tree: string): Promise<TreeListing> {
  const listing = await listTree(tree)
  await writeFile(join(tree, listingName), formatListing(listing))
  return listing
}

interface Packed {
  name: string
  version: string
  file: string
  integrity: string
}

async function pack(
  spec: string,
  { npm, into, signal }: { npm: Npm; into: string; signal: AbortSignal },
): Promise<Packed> {
  const output = await npm.run(['pack', '--json', '--pack-destination', into, '--', spec], { cwd: into, signal })
  const { name, version, filename } = readPackOutput(output)
  if (!isPackageName(name) || !isVersion(version)) {
    throw new InstallError(`${spec} calls itself ${JSON.stringify(name)} ${JSON.stringify(version)}, which npm forbids`)
  }
  const file = join(into, filename)
  return { name, version, file, integrity: `sha512-${hash('sha512', await readFile(file), 'base64')}` }
}

/** What npm says of the one package that it packed: in a list, or in newer versions by name. */
function readPackOutput(output: string): { name: string; version: string; filename: string } {
  try {
    const all: unknown = JSON.parse(output)
    const first: unknown = typeof all === 'object' && all !== null ? Object.values(all)[0] : undefined
    if (typeof first !== 'object' || first === null) throw new TypeError('it names no package')
    const [name, version, filename] = ['name', 'version', 'filename'].map((key) => String(Reflect.get(first, key)))
    return { name: name ?? '', version: version ?? '', filename: filename ?? '' }
  } catch (error) {
    throw new InstallError(`npm pack said what mcm does not understand: ${messageOf(error)}`)
  }
}

/** The packages in a tree but for the plugin itself, from the list that npm leaves. */
async function installedPackages(tree: string, plugin: string): Promise<string[]> {
  const text = await readFile(join(tree, 'node_modules/.package-lock.json'), 'utf8')
  const { packages }: { packages?: Record<string, { version?: string }> } = JSON.parse(text)
  const all = Object.entries(packages ?? {}).map(([path, { version = '' }]) => {
    return { path, text: `${path.replace(/^.*node_modules\//, '')}@${version}` }
  })
  const others = all.filter(({ path }) => path !== packageIn('', plugin)).map(({ text }) => text)
  return [...new Set(others)].sort()
}
