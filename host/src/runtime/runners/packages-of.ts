import { readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * The folders of all packages that a package imports: its own and those of its dependencies, and of theirs. Found as Node
 * finds them, so that it is right for a tree of `mcm plugin add`, for `npm i` beside the host, where all plugins share one
 * `node_modules`, and for workspaces. A package that is reached by a link counts by both names.
 */
export function packagesOf(folder: string): string[] {
  const found = new Set<string>()
  const visit = (path: string) => {
    const real = realpathSync(path)
    found.add(path)
    if (found.has(real) && real !== path) return
    found.add(real)
    for (const name of dependenciesOf(real)) {
      const dependency = locate(name, real)
      if (dependency !== undefined && !found.has(dependency)) visit(dependency)
    }
  }
  visit(folder)
  return [...found]
}

function dependenciesOf(folder: string): string[] {
  const json = readPackage(folder) ?? {}
  return ['dependencies', 'optionalDependencies', 'peerDependencies'].flatMap((key) => Object.keys(json[key] ?? {}))
}

/** The nearest `node_modules` above that has it. */
function locate(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name)
    if (readPackage(candidate)) return candidate
    // An optional one may be missing; a needed one that is missing shows when it is imported.
    if (folder === dirname(folder)) return undefined
  }
}

function readPackage(folder: string): Record<string, object | undefined> | undefined {
  try {
    // Written by others; keys that are no objects have no keys of their own either.
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, object | undefined>
  } catch {
    return undefined
  }
}
