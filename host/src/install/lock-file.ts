import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Static, Type } from '@mcm/sdk'
import { compileSchema, describeErrors, type ValidateFunction } from '@mcm/sdk/schema'
import { valid } from 'semver'
import { codeOf, InstallError, messageOf } from './install-error.ts'

/** A sha512 of a tarball, as npm writes it. */
export const integrityPattern = /^sha512-[A-Za-z0-9+/]{86}==$/

const texts = Type.Array(Type.String())
const strict = { additionalProperties: false }

// What npm wrote of a package into a lock file of its own, but for where it was fetched: mirrors differ.
const packageSchema = Type.Object(
  {
    name: Type.Optional(Type.String()),
    version: Type.String(),
    integrity: Type.Optional(Type.String()),
    inBundle: Type.Optional(Type.Boolean()),
    hasShrinkwrap: Type.Optional(Type.Boolean()),
    optional: Type.Optional(Type.Boolean()),
    peer: Type.Optional(Type.Boolean()),
    os: Type.Optional(texts),
    cpu: Type.Optional(texts),
    libc: Type.Optional(texts),
    dependencies: Type.Optional(Type.Record(Type.String(), Type.String())),
    optionalDependencies: Type.Optional(Type.Record(Type.String(), Type.String())),
    peerDependencies: Type.Optional(Type.Record(Type.String(), Type.String())),
    peerDependenciesMeta: Type.Optional(
      Type.Record(Type.String(), Type.Object({ optional: Type.Optional(Type.Boolean()) })),
    ),
    bundleDependencies: Type.Optional(Type.Union([texts, Type.Boolean()])),
  },
  strict,
)

/** The fields of a package that the lock file keeps, in its order. */
export const packageFields = Object.keys(packageSchema.properties)

// npm would write there.
const pathPattern = '^node_modules/(?!(.*/)?\\.\\.?(/|$))[^\\\\]+$'

const entrySchema = Type.Object(
  {
    version: Type.String(),
    // What was asked for: `name@range`, or `file:` and the path of a folder or tarball, as seen from the plugin folder.
    spec: Type.String(),
    source: Type.Enum(['registry', 'folder', 'tarball']),
    // sha512 of the tarball, as npm writes it.
    integrity: Type.String({ pattern: integrityPattern.source }),
    // Whether the registry had signed the tarball, and where it was proven to have been built.
    signature: Type.Enum(['registry', 'none']),
    provenance: Type.Union([
      Type.Literal('none'),
      Type.Object({ repository: Type.String(), workflow: Type.String(), commit: Type.String() }, strict),
    ]),
    // sha256 over all files that the plugin can load, its dependencies too.
    tree: Type.String({ pattern: '^sha256-[0-9a-f]{64}$' }),
    contract: Type.Integer(),
    providers: texts,
    // What the operator granted, as `kind:value`.
    permissions: texts,
    // What lies where in the tree, so that "mcm plugin install" can make it again.
    packages: Type.Record(Type.String({ pattern: pathPattern }), packageSchema, strict),
  },
  strict,
)

const schema = Type.Object(
  { lockfileVersion: Type.Literal(1), plugins: Type.Record(Type.String(), entrySchema) },
  strict,
)

/** One plugin in the lock file. */
export type LockEntry = Static<typeof entrySchema>

/** A package in the tree of a plugin. */
export type LockedPackage = Static<typeof packageSchema>

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
  // In this order, whoever made the entry. A plugin's own provider name comes first and stays there.
  const entries = sorted.map(([name, entry]) => [name, pick(entry, Object.keys(entrySchema.properties))])
  return `${JSON.stringify({ lockfileVersion: 1, plugins: Object.fromEntries(entries) }, null, 2)}\n`
}

/** Some fields of an object, in their order. */
export function pick(object: object, fields: readonly string[]): object {
  const found = fields.filter((field) => Object.hasOwn(object, field))
  return Object.fromEntries(found.map((field) => [field, Reflect.get(object, field)]))
}

/** What came along with a plugin, as sorted `name@version`. */
export function dependenciesOf(name: string, { packages }: Pick<LockEntry, 'packages'>): string[] {
  const others = Object.entries(packages).filter(([path]) => path !== `node_modules/${name}`)
  const found = others.map(([path, { version }]) => `${path.replace(/^.*node_modules\//, '')}@${version}`)
  return [...new Set(found)].sort()
}

/** Replaces a lock file. Whoever reads it sees the old or the new one, also after a crash. */
export async function writeLockFile(file: string, plugins: LockedPlugins): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  const fresh = `${file}.${process.pid}.new`
  try {
    const handle = await open(fresh, 'w', 0o644)
    try {
      await handle.writeFile(formatLockFile(plugins))
      // Whatever the umask: whoever runs a host has to read it.
      await handle.chmod(0o644)
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
