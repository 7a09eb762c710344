import { readdir, readFile, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** Bytes of all files of a package and of what it depends on, as npm would install them. */
export async function installedBytes(folder: string): Promise<number> {
  const folders = new Set<string>()
  await collect(folder, folders)
  const sizes = await Promise.all([...folders].map(packageBytes))
  return sizes.reduce((sum, bytes) => sum + bytes, 0)
}

async function collect(folder: string, folders: Set<string>): Promise<void> {
  if (folders.has(folder)) return
  folders.add(folder)
  const { dependencies = {} } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  for (const name of Object.keys(dependencies)) await collect(await locate(name, folder), folders)
}

/** Looks where Node looks; packages need not export their package.json. */
async function locate(name: string, from: string): Promise<string> {
  for (const path of createRequire(join(from, 'package.json')).resolve.paths(name) ?? []) {
    const folder = join(path, name)
    const isThere = await stat(join(folder, 'package.json')).then(
      () => true,
      () => false,
    )
    if (isThere) return folder
  }
  throw new Error(`${name}, of which ${dirname(from)} depends, is not installed`)
}

async function packageBytes(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true })
  const own = files.filter((file) => file.isFile() && !file.parentPath.slice(folder.length).includes('node_modules'))
  const sizes = await Promise.all(own.map(async (file) => (await stat(join(file.parentPath, file.name))).size))
  return sizes.reduce((sum, bytes) => sum + bytes, 0)
}
