import { chmodSync, chownSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'

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
  chmodSync(path, 0o700)
  if (uid !== undefined) chownSync(path, uid, uid)
  return { path, remove: async () => await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch(() => {}) }
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
  for (const name of readdirSync(base)) {
    if (!name.startsWith(prefix) || isRunning(Number(name.slice(prefix.length)))) continue
    rmSync(join(base, name), { recursive: true, force: true })
  }
  const own = join(base, `${prefix}${process.pid}`)
  mkdirSync(own)
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
