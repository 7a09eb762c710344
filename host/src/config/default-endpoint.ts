import { lstatSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'

/** The Unix socket where a host listens, and a client calls, when nobody says otherwise. */
export function defaultEndpoint(env: NodeJS.ProcessEnv = process.env): string {
  const folder = env.XDG_RUNTIME_DIR || (userInfo().uid === 0 ? '/run' : sharedFolder())
  return `unix://${join(folder, 'mcm', 'host.sock')}`
}

/**
 * Refuses the default endpoint where somebody else may have put a socket of their own: everybody can make folders among
 * the temporary files, and its callers send Secrets. Any other endpoint is its user's choice.
 */
export function checkDefaultEndpoint(endpoint: string): void {
  const folder = sharedFolder()
  if (endpoint === `unix://${join(folder, 'mcm', 'host.sock')}`) refuseForeignFolder(folder)
}

/** Throws when a folder is there and is not a user's own. */
export function refuseForeignFolder(folder: string, { uid } = userInfo()): void {
  const found = lstatSync(folder, { throwIfNoEntry: false })
  if (!found || (found.isDirectory() && found.uid === uid)) return
  throw new Error(`${folder} belongs to somebody else; set XDG_RUNTIME_DIR, or name another address`)
}

function sharedFolder(): string {
  return join(tmpdir(), `mcm-${userInfo().uid}`)
}
