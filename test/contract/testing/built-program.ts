import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the whole project. */
export const checkout = resolve(fileURLToPath(new URL('../../../', import.meta.url)))

/** A file that the build makes. Fails, rather than skips, where it is missing. */
export function builtFile(path: string, root = checkout): string {
  const file = join(root, path)
  // The entry itself needs no build; what it loads does.
  if (path === 'host/bin/mcm.js') builtFile('host/dist/main.js', root)
  if (!existsSync(file)) throw new Error(`${file} is missing: run "npm run build" first; this test starts what ships`)
  return file
}

/** The folder of a plugin in test/fixtures/plugins. */
export function fixture(name: string): string {
  // Fixtures import the SDK as a stranger's plugin does: from its package, built.
  builtFile('sdk/dist/index.js')
  return join(checkout, 'test/fixtures/plugins', name)
}
