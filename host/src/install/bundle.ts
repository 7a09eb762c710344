import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { InstallError, messageOf } from './install-error.ts'
import { formatLockFile, type LockEntry, type LockedPlugins, parseLockFile } from './lock-file.ts'
import { lockFileName, type PluginFolder, treeName } from './plugin-folder.ts'
import { finishTree } from './stage-plugin.ts'
import { isHeader, readTar, type TarFile, writeTar } from './tar.ts'
import { describeDifference, listTree } from './tree-digest.ts'
import { verifyPlugins } from './verify-plugins.ts'

// A bundle is a part of a plugin folder in one archive: the lock file with some entries, then their trees, byte for
// byte. So it installs without a network and without npm, and what arrives is what was reviewed.

/** Writes installed plugins, with all that they need, into one archive. */
export async function writeBundle(
  file: string,
  { folder, names, signal }: { folder: PluginFolder; names: readonly string[]; signal: AbortSignal },
): Promise<LockedPlugins> {
  const verdicts = await verifyPlugins(folder, names)
  if (verdicts.length === 0)
    throw new InstallError(`no plugin is installed in ${folder.path}, so there is none to bundle`)
  for (const { name, difference } of verdicts) {
    if (!difference) continue
    throw new InstallError(
      `${name} differs from the lock file: ${describeDifference(difference)}; no bundle was written`,
    )
  }
  const locked = Object.fromEntries(verdicts.map(({ name, entry }) => [name, entry]))
  const partial = `${file}.${process.pid}.part`
  try {
    const zip = createGzip({ level: 9 })
    await pipeline(Readable.from(writeTar(bundledFiles(folder, locked))), zip, createWriteStream(partial), { signal })
    await rename(partial, file)
  } catch (error) {
    await rm(partial, { force: true })
    signal.throwIfAborted()
    throw new InstallError(`the bundle ${file} cannot be written: ${messageOf(error)}`)
  }
  return locked
}

async function* bundledFiles(folder: PluginFolder, locked: LockedPlugins): AsyncGenerator<TarFile> {
  yield { path: lockFileName, isExecutable: false, content: Buffer.from(formatLockFile(locked)) }
  for (const [name, entry] of Object.entries(locked).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const tree = folder.tree({ name, ...entry })
    const { files } = await listTree(tree)
    for (const { path, kind } of files) {
      if (kind === 'l') throw new InstallError(`${join(tree, path)} is a link; a bundle has only files`)
      const content = await readFile(join(tree, path))
      yield {
        path: `packages/${treeName(name, entry.version, entry.tree)}/${path}`,
        isExecutable: kind === 'x',
        content,
      }
    }
  }
}

/** Whether a file is a bundle, by its first entry; a package's tarball begins otherwise. */
export async function isBundle(file: string): Promise<boolean> {
  const handle = await open(file)
  try {
    const stream = handle.createReadStream({ end: 64 * 1024, autoClose: false }).pipe(createGunzip())
    for await (const chunk of stream) {
      const head: Buffer = chunk
      return isHeader(head) && head.toString('utf8', 0, lockFileName.length + 1) === `${lockFileName}\0`
    }
    return false
  } catch {
    // npm says what is wrong with it.
    return false
  } finally {
    await handle.close()
  }
}

/** A plugin out of a bundle: where its tree was unpacked, and what the bundle's lock file says of it. */
export interface BundledPlugin {
  name: string
  tree: string
  entry: LockEntry
}

/** Unpacks a bundle into an empty folder. Fails unless it holds exactly what its lock file promises. */
export async function unpackBundle(file: string, into: string, signal: AbortSignal): Promise<BundledPlugin[]> {
  const source = createReadStream(file, { signal })
  const unzip = createGunzip()
  try {
    const piped = pipeline(source, unzip, { signal })
    // Whoever reads the other end hears of the failure.
    piped.catch(() => {})
    return await unpack(readTar(unzip), into)
  } catch (error) {
    signal.throwIfAborted()
    throw new InstallError(`the bundle ${file} cannot be used: ${messageOf(error)}`)
  } finally {
    source.destroy()
    unzip.destroy()
  }
}

async function unpack(files: AsyncGenerator<TarFile>, into: string): Promise<BundledPlugin[]> {
  const first = await files.next()
  if (first.done || first.value.path !== lockFileName) throw new InstallError(`it does not begin with ${lockFileName}`)
  const locked = Object.entries(parseLockFile(first.value.content.toString(), lockFileName))
  const trees = locked.map(([name, { version, tree }]) => `packages/${treeName(name, version, tree)}/node_modules/`)
  for await (const { path, isExecutable, content } of files) {
    if (!trees.some((tree) => path.startsWith(tree))) {
      throw new InstallError(`${JSON.stringify(path)} in it belongs to no plugin of its lock file`)
    }
    const target = join(into, path)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, content, { mode: isExecutable ? 0o755 : 0o644, flag: 'wx' })
  }
  const plugins: BundledPlugin[] = []
  for (const [name, entry] of locked) {
    const tree = join(into, 'packages', treeName(name, entry.version, entry.tree))
    await mkdir(tree, { recursive: true })
    const { digest } = await finishTree(tree)
    if (digest !== entry.tree) throw new InstallError(`the files of ${name} in it are not those of its lock file`)
    plugins.push({ name, tree, entry })
  }
  return plugins
}
