import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'

/** What one text under `permissions.files` allows. */
export interface FilePermission {
  /** Absolute path of a file or folder, with all that is in it; `*` for every file. */
  path: string
  canWrite: boolean
}

/**
 * Reads `/path`, `~/path` or `*`, each also as `read:…`, which allows no writing.
 *
 * @returns `undefined` for any other text.
 */
export function readFilePermission(text: string, home: string = homedir()): FilePermission | undefined {
  const canWrite = !text.startsWith('read:')
  const path = canWrite ? text : text.slice('read:'.length)
  if (path === '*') return { path, canWrite }
  // Node takes a star anywhere as "all that begins so", and a NUL ends a path early.
  if (/[*\0]/.test(path)) return undefined
  if (path === '~' || path.startsWith('~/')) return { path: join(home, path.slice(1)), canWrite }
  return isAbsolute(path) ? { path: resolve(path), canWrite } : undefined
}
