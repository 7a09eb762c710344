import { chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { chmod, readdir, rm } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** A folder that a running plugin has for itself, and that is gone after it. */
export interface ScratchFolder {
  path: string
  /** Removes it with all that is in it. Never fails; what cannot be removed now is removed by a later host. */
  remove(): Promise<void>
}

/**
 * Makes a private, empty folder.
 *
 * @param uid Whose it is; default: the host's own user.
 */
export function makeScratchFolder(uid?: number): ScratchFolder {
  const path = mkdtempSync(join(folderOfThisHost(), 'plugin-'))
  try {
    chmodSync(path, 0o700)
    if (uid !== undefined) chownSync(path, uid, uid)
  } catch (error) {
    rmdirSync(path)
    throw error
  }
  return { path, remove: async () => await remove(path) }
}

async function remove(path: string): Promise<void> {
  const attempt = async () => await rm(path, { recursive: true, force: true, maxRetries: 3 })
  try {
    await attempt().catch(async () => {
      await openUp(path)
      await attempt()
    })
  } catch {
    // A later host tries again.
  }
  try {
    // The last one out closes the door. A folder is made without a pause, so nobody comes in between these two.
    rmdirSync(dirname(path))
    ofThisHost = undefined
  } catch {
    // There are others.
  }
}

/**
 * Lets this user remove what is in a folder. Root needs no such right; and a program that a plugin left behind could put a
 * link in the place of a folder meanwhile, so that root would change somebody else's.
 */
async function openUp(folder: string): Promise<void> {
  if (process.getuid?.() === 0) return
  await chmod(folder, 0o700)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await openUp(join(folder, entry.name))
  }
}

let ofThisHost: string | undefined

/**
 * `<temporary files>/mcm-<user>/<machine>-<process>`. On its first use it clears away what hosts have left that were killed.
 * Machines are told apart because containers can share the folder for temporary files, and a process of another one
 * cannot be looked for.
 */
function folderOfThisHost(): string {
  if (ofThisHost) return ofThisHost
  const base = join(tmpdir(), `mcm-${process.getuid?.() ?? 'user'}`)
  mkdirSync(base, { recursive: true })
  const { uid } = lstatSync(base)
  // The name can be guessed, and everybody may make folders there.
  if (!lstatSync(base).isDirectory() || uid !== (process.getuid?.() ?? uid)) {
    throw new Error(`${base} belongs to somebody else; remove it, or set TMPDIR to a folder of your own`)
  }
  // Others may pass to what is theirs, such as a plugin with a user of its own, but not list it.
  chmodSync(base, 0o711)
  const prefix = `${hostname()}-`
  const ownName = `${prefix}${process.pid}`
  for (const name of readdirSync(base)) {
    if (!name.startsWith(prefix) || isRunning(Number(name.slice(prefix.length)))) continue
    try {
      rmSync(join(base, name), { recursive: true, force: true })
    } catch {
      // It takes longer, and this host does not need it, unless it has the same name.
      if (name !== ownName) void remove(join(base, name))
    }
  }
  const own = join(base, ownName)
  mkdirSync(own, { recursive: true })
  chmodSync(own, 0o711)
  ofThisHost = own
  return own
}

/** Whether another process has this id. In containers the own id is often that of the host before. */
function isRunning(pid: number): boolean {
  if (pid === process.pid) return false
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
