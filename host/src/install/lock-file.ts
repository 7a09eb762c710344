import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Static, Type } from '@mcm/sdk'
import { valid } from 'semver'
import { compileSchema, describeErrors, type ValidateFunction } from '../schema/json-schema.ts'
import { codeOf, InstallError, messageOf } from './install-error.ts'

const texts = Type.Array(Type.String())
const strict = { additionalProperties: false }

const entrySchema = Type.Object(
  {
    version: Type.String(),
    // What was asked for: `name@range`, or `file:` and the path of a folder or tarball, as seen from the plugin folder.
    spec: Type.String(),
    source: Type.Enum(['registry', 'folder', 'tarball']),
    // sha512 of the tarball, as npm writes it.
    integrity: Type.String({ pattern: '^sha512-[A-Za-z0-9+/]{86}==$' }),
    // sha256 over all files that the plugin can load, its dependencies too.
    tree: Type.String({ pattern: '^sha256-[0-9a-f]{64}$' }),
    contract: Type.Integer(),
    providers: texts,
    // What the operator granted, as `kind:value`.
    permissions: texts,
    // What came along, as `name@version`. For reviewers: the digest of the tree already covers it.
    dependencies: texts,
  },
  strict,
)

const schema = Type.Object(
  { lockfileVersion: Type.Literal(1), plugins: Type.Record(Type.String(), entrySchema) },
  strict,
)

/** One plugin in the lock file. */
export type LockEntry = Static<typeof entrySchema>

/** The plugins of a plugin folder by package name. */
export type LockedPlugins = Readonly<Record<string, LockEntry>>

/** Reads a lock file; one that is not there locks nothing. */
export async function readLockFile(file: string): Promise<LockedPlugins> {
  return (await readLockFileIfThere(file)) ?? {}
}

/** @returns `undefined` where there is no lock file. */
export async function readLockFileIfThere(file: string): Promise<LockedPlugins | undefined> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    // A plugin directory that is a file is somebody else's complaint.
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined
    throw new InstallError(`the lock file cannot be read: ${messageOf(error)}`)
  }
  return parseLockFile(text, file)
}

/** Reads the text of a lock file. `where` is for messages. */
export function parseLockFile(text: string, where: string): LockedPlugins {
  const restore = 'restore it from version control, or remove it and add the plugins again'
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw new InstallError(`${where} is no JSON: ${messageOf(error)}; ${restore}`)
  }
  const version = typeof json === 'object' && json !== null ? Reflect.get(json, 'lockfileVersion') : undefined
  if (typeof version === 'number' && version > 1) {
    throw new InstallError(`${where} has version ${version}, which a newer mcm wrote; this one reads version 1`)
  }
  validate ??= compileSchema(schema)
  if (!validate(json)) {
    const problems = describeErrors(validate.errors ?? [], '').map(({ path, message }) => `${path} ${message}`.trim())
    throw new InstallError(`${where} is not valid: ${problems.join('; ')}; ${restore}`)
  }
  // Just checked.
  const { plugins } = json as Static<typeof schema>
  for (const [name, entry] of Object.entries(plugins)) {
    // Both become part of paths.
    if (!isPackageName(name) || !isVersion(entry.version)) {
      throw new InstallError(
        `${where} names ${JSON.stringify(name)} ${JSON.stringify(entry.version)}, which npm forbids`,
      )
    }
  }
  return plugins
}

// Compiled when it is needed: most commands read no lock file.
let validate: ValidateFunction | undefined

/** The text of a lock file: the same plugins give the same text, whatever the order in which they came. */
export function formatLockFile(plugins: LockedPlugins): string {
  const sorted = Object.entries(plugins).sort(([a], [b]) => (a < b ? -1 : 1))
  const entries = sorted.map(([name, entry]) => {
    const { version, spec, source, integrity, tree, contract, providers, permissions, dependencies } = entry
    return [
      name,
      // In this order, whoever made the entry. A plugin's own provider name comes first and stays there.
      { version, spec, source, integrity, tree, contract, providers, permissions, dependencies },
    ]
  })
  return `${JSON.stringify({ lockfileVersion: 1, plugins: Object.fromEntries(entries) }, null, 2)}\n`
}

/** Replaces a lock file. Whoever reads it sees the old or the new one, also after a crash. */
export async function writeLockFile(file: string, plugins: LockedPlugins): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  const fresh = `${file}.${process.pid}.new`
  try {
    const handle = await open(fresh, 'w', 0o644)
    try {
      await handle.writeFile(formatLockFile(plugins))
      // Before the rename, or a power cut could leave an empty file under the new name.
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(fresh, file)
  } catch (error) {
    await rm(fresh, { force: true })
    throw error
  }
}

/** Whether a text is a package name by npm's rules, which leave no room for a path; and none for an option. */
export function isPackageName(text: string): boolean {
  return text.length <= 214 && /^(@[a-z0-9~][a-z0-9._~-]*\/)?[a-z0-9~][a-z0-9._~-]*$/.test(text)
}

/** Whether a text is a version as npm publishes it. */
export function isVersion(text: string): boolean {
  return valid(text) === text.replace(/\+.*$/, '')
}
