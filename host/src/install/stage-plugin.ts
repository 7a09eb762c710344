import { hash } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InstallError, messageOf } from './install-error.ts'
import { linkedPackages } from './linked-packages.ts'
import { isPackageName, isVersion, type LockedPackage, packageFields, pick } from './lock-file.ts'
import type { Npm } from './npm.ts'
import { npmSpec, type PluginSpec } from './plugin-spec.ts'
import { formatListing, listingName, listTree, type TreeListing } from './tree-digest.ts'

/** A plugin with all its dependencies, complete, but nowhere yet that counts. */
export interface StagedPlugin extends PackedPackage {
  /** The folder of its tree. */
  tree: string
  digest: string
  /** All that is in the tree, by path. */
  packages: Record<string, LockedPackage>
}

interface Staging {
  npm: Npm
  /** An empty folder. */
  folder: string
  signal: AbortSignal
}

/**
 * Gets a plugin and its dependencies with npm. Whatever it comes from, it goes through a tarball: a folder is packed as
 * it would be published, and never linked. Nothing of it runs.
 *
 * @param locked What has to come out. Without it, npm chooses the versions of the dependencies.
 */
export async function stagePlugin(
  { plugin, linked }: PackedPlugin,
  { npm, folder, signal }: Staging,
  locked?: Readonly<Record<string, LockedPackage>>,
): Promise<StagedPlugin> {
  const tree = join(folder, 'tree')
  await mkdir(tree)
  const packed = [plugin, ...linked]
  const root = { dependencies: Object.fromEntries(packed.map(({ name, file }) => [name, `file:${file}`])) }
  await writeFile(join(tree, 'package.json'), JSON.stringify({ private: true, ...root }))
  if (locked) {
    const ours = packed.map(({ name, file, integrity }) => {
      const path = `node_modules/${name}`
      return [path, { ...locked[path], resolved: `file:${file}`, integrity }]
    })
    const packages = { '': root, ...locked, ...Object.fromEntries(ours) }
    await writeFile(join(tree, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, requires: true, packages }))
    await npm.run(['ci', '--package-lock'], { cwd: tree, signal })
  } else await npm.run(['install'], { cwd: tree, signal })
  const packages = await installedPackages(tree)
  // What is left of npm's work names this folder and the registry, so it would differ from machine to machine.
  for (const name of ['package.json', 'package-lock.json', 'node_modules/.package-lock.json']) {
    await rm(join(tree, name), { force: true })
  }
  const { digest } = await finishTree(tree)
  return { ...plugin, tree, digest, packages }
}

/**
 * Makes a tree ready to be put in place: sets modes, lists it, and puts the listing into it, so that
 * `mcm plugin verify` can say later which file has changed.
 */
export async function finishTree(tree: string): Promise<TreeListing> {
  await setModes(tree)
  const listing = await listTree(tree)
  const file = join(tree, listingName)
  await writeFile(file, formatListing(listing))
  await chmod(file, 0o644)
  return listing
}

/**
 * Lets everybody read and nobody else write, whatever the umask of who installs and the modes in a tarball: a plugin may
 * run as another user than the host.
 */
async function setModes(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await setModes(path)
    else if (entry.isFile()) await chmod(path, (await stat(path)).mode & 0o100 ? 0o755 : 0o644)
  }
}

/** A tarball. */
export interface PackedPackage {
  name: string
  version: string
  file: string
  /** Its sha512, as npm writes it. */
  integrity: string
}

/** A plugin's tarball, and those of the packages that its folder links to. */
export interface PackedPlugin {
  plugin: PackedPackage
  linked: PackedPackage[]
}

/** Gets the tarball of a plugin. */
export async function packPlugin(spec: PluginSpec, { npm, folder, signal }: Staging): Promise<PackedPlugin> {
  const into = join(folder, 'tarballs')
  await mkdir(into)
  const plugin = await pack(npmSpec(spec), { npm, into, signal })
  const linked: PackedPackage[] = []
  for (const path of spec.source === 'folder' ? await linkedPackages(spec.path) : []) {
    linked.push(await pack(path, { npm, into, signal }))
  }
  return { plugin, linked }
}

async function pack(
  spec: string,
  { npm, into, signal }: { npm: Npm; into: string; signal: AbortSignal },
): Promise<PackedPackage> {
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

/** The packages in a tree, from the list that npm leaves. */
async function installedPackages(tree: string): Promise<Record<string, LockedPackage>> {
  const text = await readFile(join(tree, 'node_modules/.package-lock.json'), 'utf8')
  const { packages = {} }: { packages?: Record<string, LockedPackage> } = JSON.parse(text)
  const kept = Object.entries(packages).map(([path, found]) => [path, pick(found, packageFields)])
  return Object.fromEntries(kept)
}
