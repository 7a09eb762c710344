import { hash } from 'node:crypto'
import { readdir, readFile, readlink, realpath, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { InstallError } from './install-error.ts'

/** What lies in a tree: one line per file. */
export interface TreeListing {
  files: TreeFile[]
  /** Sorted lines: sha256 of the content, kind (`f` file, `x` executable, `l` link), path. */
  lines: string[]
  /** `sha256-` and the sha256 over the lines. */
  digest: string
}

/** A file of a tree: plain, executable, or a link. */
export interface TreeFile {
  path: string
  kind: 'f' | 'x' | 'l'
  sha256: string
}

/** The file of a tree that holds its listing. It is not part of the listing, whose digest is in the lock file. */
export const listingName = 'files.sha256'

/**
 * Lists and digests a whole tree, nested `node_modules` included: all that a plugin can load. Modes count only as
 * executable or not, since the rest depends on the umask. A link counts by its target and must stay in the tree.
 */
export async function listTree(root: string): Promise<TreeListing> {
  const real = await realpath(root)
  const found: Found[] = []
  await walk(real, '', found)
  const files: TreeFile[] = []
  const left = found.values()
  // All workers take from one iterator, so each file is read once.
  const work = async () => {
    for (const file of left) files.push(await digestFile(file, real))
  }
  await Promise.all(Array.from({ length: parallel }, work))
  files.sort((a, b) => (a.path < b.path ? -1 : 1))
  // Quoted, since a name may hold a line break.
  const lines = files.map(({ path, kind, sha256 }) => `${sha256} ${kind} ${JSON.stringify(path)}`)
  return { files, lines, digest: digestOf(lines) }
}

// Enough to keep the thread pool busy, few enough to hold only some files in memory.
const parallel = 16

interface Found {
  path: string
  kind: 'file' | 'link'
}

async function walk(root: string, folder: string, found: Found[]): Promise<void> {
  const entries = await readdir(join(root, folder), { withFileTypes: true })
  for (const entry of entries) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (path === listingName) continue
    if (entry.isDirectory()) await walk(root, path, found)
    else if (entry.isFile()) found.push({ path, kind: 'file' })
    else if (entry.isSymbolicLink()) found.push({ path, kind: 'link' })
    else throw new InstallError(`${join(root, path)} is neither a file nor a folder nor a link`)
  }
}

async function digestFile({ path, kind }: Found, root: string): Promise<TreeFile> {
  const file = join(root, path)
  if (kind === 'file') {
    const [content, { mode }] = await Promise.all([readFile(file), stat(file)])
    return { path, kind: mode & 0o100 ? 'x' : 'f', sha256: hash('sha256', content, 'hex') }
  }
  const target = await readlink(file)
  const end = await realpath(file).catch(() => undefined)
  if (end === undefined) throw new InstallError(`${file} is a link that leads nowhere (${target})`)
  const fromRoot = relative(root, end)
  if (fromRoot === '..' || fromRoot.startsWith(`..${sep}`)) {
    throw new InstallError(`${file} is a link that leads out of its plugin, to ${target}`)
  }
  return { path, kind: 'l', sha256: hash('sha256', target, 'hex') }
}

/** The quoted path in a line of a listing. */
function pathOf(line: string): string {
  return line.slice(67)
}

/** The text of a listing, as it lies in the tree. */
export function formatListing({ lines }: TreeListing): string {
  return lines.map((line) => `${line}\n`).join('')
}

function digestOf(lines: readonly string[]): string {
  return `sha256-${hash('sha256', lines.map((line) => `${line}\n`).join(''), 'hex')}`
}

/** How the files of a tree differ from what the lock file promises. */
export interface TreeDifference {
  missing: string[]
  changed: string[]
  added: string[]
  /** Why it cannot be said which files differ, or be read at all. */
  problem?: string
}

/** Compares a tree with the digest in the lock file. @returns `undefined` where they agree. */
export async function compareTree(root: string, digest: string): Promise<TreeDifference | undefined> {
  const difference: TreeDifference = { missing: [], changed: [], added: [] }
  let now: TreeListing
  try {
    now = await listTree(root)
  } catch (error) {
    return { ...difference, problem: error instanceof Error ? error.message : String(error) }
  }
  if (now.digest === digest) return undefined
  const text = await readFile(join(root, listingName), 'utf8').catch(() => '')
  const then = text.split('\n').slice(0, -1)
  if (digestOf(then) !== digest) {
    return {
      ...difference,
      problem: `its list of files (${listingName}) was changed too, so which ones cannot be said`,
    }
  }
  const before = new Map(then.map((line) => [pathOf(line), line]))
  for (const line of now.lines) {
    const path = pathOf(line)
    const old = before.get(path)
    if (old === undefined) difference.added.push(unquote(path))
    else if (old !== line) difference.changed.push(unquote(path))
    before.delete(path)
  }
  difference.missing.push(...[...before.keys()].map(unquote))
  return difference
}

/** A path for a message; one with odd characters stays quoted. */
function unquote(path: string): string {
  const plain = path.slice(1, -1)
  return path.includes('\\') ? path : plain
}

/** A difference in one line. */
export function describeDifference({ missing, changed, added, problem }: TreeDifference): string {
  if (problem !== undefined) return problem
  const parts = [
    ['missing', missing],
    ['changed', changed],
    ['added', added],
  ] as const
  return parts
    .filter(([, paths]) => paths.length > 0)
    .map(([what, paths]) => `${what} ${paths.slice(0, shown).join(', ')}${more(paths.length - shown)}`)
    .join('; ')
}

const shown = 3

function more(count: number): string {
  return count > 0 ? ` and ${count} more` : ''
}
