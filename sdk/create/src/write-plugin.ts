import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Names } from './names.ts'

/** Why nothing was written. */
export class WriteError extends Error {
  override readonly name = 'WriteError'
}

/**
 * Writes a new plugin: the template, in which names are replaced. The template is a plugin itself, so that it is
 * compiled and tested as it is.
 *
 * @param folder Must not be there yet, or have nothing in it but what git keeps.
 * @returns The files, in order.
 */
export async function writePlugin(folder: string, names: Names): Promise<string[]> {
  const found = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw new WriteError(`cannot write into ${folder}: ${error.message}`)
  })
  const others = found.filter((name) => name !== '.git')
  if (others.length > 0) {
    const more = others.length > 3 ? ' …' : ''
    throw new WriteError(
      `${folder} is not empty (${others.slice(0, 3).join(', ')}${more}); nothing was written. Name another with --folder`,
    )
  }
  const files = (await readdir(template, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => relative(template, join(entry.parentPath, entry.name)))
    .sort()
  const written: string[] = []
  for (const file of files) {
    const name = renamed[file] ?? file
    const text = await readFile(join(template, file), 'utf8')
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), withNames(text, names))
    written.push(name)
  }
  return written
}

function withNames(text: string, { cloud, package: packageName, provider, author }: Names): string {
  // All at once: a name may hold the placeholder of another.
  const replacements: Record<string, string> = {
    '@acme/plugin-my-cloud': packageName,
    '2000 The Author': `${new Date().getFullYear()} ${author}`,
    'my-cloud': cloud,
    MyCloud: provider,
  }
  return text.replaceAll(
    /@acme\/plugin-my-cloud|2000 The Author|my-cloud|MyCloud/g,
    (found) => replacements[found] ?? '',
  )
}

// Under their own names, npm would leave the first out of our package, and tools would take the second for ours.
const renamed: Record<string, string> = { gitignore: '.gitignore', '_package.json': 'package.json' }
const template = fileURLToPath(new URL('../template', import.meta.url))
