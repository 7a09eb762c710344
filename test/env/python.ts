import { join } from 'node:path'
import { cachedFolder } from './cache-dir.ts'
import { type EnsureOptions, ensureDebianPackages } from './debian-packages.ts'
import { run } from './run.ts'

/**
 * Makes a Python with the given packages of PyPI, in a folder of its own.
 *
 * @param name Of the folder; changes when the packages do.
 * @returns The path of the interpreter.
 */
export async function ensurePython(name: string, packages: readonly string[], options: EnsureOptions): Promise<string> {
  const { signal, log } = options
  // In Debian, the standard library's venv is a package of its own.
  await ensureDebianPackages(['python3-venv'], { ...options, elsewhere: 'python3 with venv and pip' })
  const { path, built } = await cachedFolder(name, async (folder) => {
    log(`python: installing ${packages.join(' ')}`)
    await run('/usr/bin/python3', ['-m', 'venv', '--copies', folder], { signal, deadlineMs: 120_000 })
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages]
    await run(join(folder, 'bin/python'), pip, { signal, deadlineMs: 300_000 })
  })
  log(`python: ${path} (${built ? 'made' : 'cached'})`)
  return join(path, 'bin/python')
}
