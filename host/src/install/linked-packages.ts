import { lstat, readFile, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/**
 * The packages that a folder's dependencies are linked to, theirs included, as npm workspaces and `npm link` do it.
 * Whoever develops a plugin beside its SDK tries it with that very SDK, which may not be published yet.
 */
export async function linkedPackages(folder: string, found = new Set<string>()): Promise<Set<string>> {
  for (const name of await dependenciesOf(folder)) {
    const link = await nearest(await realpath(folder), name)
    if (link === undefined || !(await lstat(link)).isSymbolicLink()) continue
    const target = await realpath(link)
    if (found.has(target)) continue
    found.add(target)
    await linkedPackages(target, found)
  }
  return found
}

/** Where Node would find a dependency of a folder. */
async function nearest(folder: string, name: string): Promise<string | undefined> {
  for (let at = folder; ; at = dirname(at)) {
    const candidate = join(at, 'node_modules', name)
    const isThere = await lstat(candidate).then(
      () => true,
      () => false,
    )
    if (isThere) return candidate
    if (at === dirname(at)) return undefined
  }
}

async function dependenciesOf(folder: string): Promise<string[]> {
  try {
    const { dependencies }: { dependencies?: unknown } = JSON.parse(
      await readFile(join(folder, 'package.json'), 'utf8'),
    )
    return typeof dependencies === 'object' && dependencies !== null ? Object.keys(dependencies) : []
  } catch {
    // npm says what is wrong with it.
    return []
  }
}
