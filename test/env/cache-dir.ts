import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'

/**
 * Where tools and images are kept between runs: `${XDG_CACHE_HOME:-~/.cache}/mcm-test`.
 *
 * Root without XDG_CACHE_HOME uses `/var/cache/mcm-test`: root's home is closed to others, and virtual machines
 * run as another user there, who must be able to read the images.
 */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env, uid = process.getuid?.()): string {
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, 'mcm-test')
  return uid === 0 ? '/var/cache/mcm-test' : join(homedir(), '.cache', 'mcm-test')
}

export interface CachedFolder {
  readonly path: string
  /** False when it was there already. */
  readonly built: boolean
}

/**
 * The cached folder `name` (`<tool>-<version>`), made by `build` when it isn't there.
 *
 * `build` fills an empty folder, which gets its real name only when all of it is done: a folder of that name is
 * always whole. Two processes may build the same thing at once; the first one to finish wins and both use its work.
 */
export async function cachedFolder(
  name: string,
  build: (folder: string) => Promise<void>,
  root = cacheRoot(),
): Promise<CachedFolder> {
  const path = join(root, name)
  if (await isFolder(path)) return { path, built: false }
  await mkdir(root, { recursive: true, mode: 0o755 })
  await removeAbandoned(path)

  const temporary = `${path}.tmp-${process.pid}-${randomBytes(4).toString('hex')}`
  await mkdir(temporary)
  try {
    // Readable by all, whatever this process's umask says: see cacheRoot.
    await chmod(temporary, 0o755)
    await build(temporary)
    await rename(temporary, path)
    return { path, built: true }
  } catch (error) {
    await rm(temporary, { recursive: true, force: true })
    if (isErrno(error, 'ENOTEMPTY', 'EEXIST') && (await isFolder(path))) return { path, built: false }
    throw error
  }
}

// A process that was killed while it built can't clean up, so the next one does.
async function removeAbandoned(path: string): Promise<void> {
  const prefix = `${basename(path)}.tmp-`
  for (const name of await readdir(dirname(path))) {
    const pid = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : Number.NaN
    if (pid > 0 && !isRunning(pid)) await rm(join(dirname(path), name), { recursive: true, force: true })
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return isErrno(error, 'EPERM')
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false
    throw error
  }
}

function isErrno(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}
