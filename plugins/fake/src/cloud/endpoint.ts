import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/**
 * Where the cloud of this user is when nothing else is said. Not among the temporary files: each plugin has a folder of its
 * own for those, and this is shared with the command line.
 */
export function defaultEndpoint(): string {
  return pathToFileURL(join(homedir(), '.local/state/mcm-fake/cloud.db')).href
}

/** The file behind an endpoint such as `file:///var/lib/fake/cloud.db`; its folder is made. */
export function fileOfEndpoint(endpoint: string): string {
  const file = fileURLToPath(endpoint)
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  return file
}
