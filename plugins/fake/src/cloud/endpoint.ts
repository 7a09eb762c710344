import { lstatSync, mkdirSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { CloudError } from './error.ts'

/** Where the cloud of this user is when nothing else is said. */
export function defaultEndpoint(): string {
  return pathToFileURL(join(tmpdir(), `mcm-fake-${userInfo().uid}`, 'cloud.db')).href
}

/** The file behind an endpoint such as `file:///var/lib/fake/cloud.db`; its folder is made. */
export function fileOfEndpoint(endpoint: string): string {
  const file = fileURLToPath(endpoint)
  const folder = dirname(file)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (endpoint === defaultEndpoint()) refuseForeignFolder(folder)
  return file
}

// The name of the default folder can be guessed, and everybody may make folders in the one for temporary files.
function refuseForeignFolder(folder: string): void {
  const { uid } = userInfo()
  const found = lstatSync(folder)
  if (!found.isDirectory() || (uid !== -1 && found.uid !== uid)) {
    throw new CloudError(
      'ServiceUnavailable',
      `${folder} belongs to somebody else; remove it, or choose another place with an endpoint`,
    )
  }
}
