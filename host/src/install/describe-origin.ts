import { basename, dirname, join, resolve, sep } from 'node:path'
import { type LockEntry, readLockFile } from './lock-file.ts'
import { lockFileName } from './plugin-folder.ts'

/** Where a plugin came from, for people: what was asked for when it was installed, or else where it lies. */
export async function describeOrigin(packageFolder: string): Promise<string> {
  const [tree] = packageFolder.split(`${sep}node_modules${sep}`)
  if (tree === undefined || basename(dirname(tree)) !== 'packages') return packageFolder
  const lockFile = join(dirname(dirname(tree)), lockFileName)
  // A lock file that cannot be read is the reason of a rejected plugin already.
  const locked = await readLockFile(lockFile).catch(() => ({}))
  const name = packageFolder.slice(tree.length + `${sep}node_modules${sep}`.length)
  const entry = new Map(Object.entries(locked)).get(name.split(sep).join('/'))
  if (!entry) return packageFolder
  const { source, spec } = entry
  // What comes from one's own disk has nobody to sign it.
  if (source === 'registry') return `registry ${spec} (${describeProof(entry)})`
  return `${source} ${resolve(dirname(lockFile), spec.replace(/^file:/, ''))}`
}

/** What was proven of where a plugin comes from. */
export function describeProof({ signature, provenance }: Pick<LockEntry, 'signature' | 'provenance'>): string {
  const signed = signature === 'none' ? 'unsigned' : 'signed by the registry'
  if (provenance === 'none') return `${signed}, no provenance`
  const { repository, workflow, commit } = provenance
  return `${signed}, built from ${repository} at ${commit.slice(0, 12)} by ${workflow}`
}
