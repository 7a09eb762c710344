import { readdir, readFile, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { type DescMessage, fromJson, type JsonValue } from '@bufbuild/protobuf'
import type { Machine, MachineClass, ObjectMeta, Secret, Violation } from '@mcm/sdk'
import { MachineClassSchema, MachineSchema, SecretSchema, toPlain } from '@mcm/sdk/contract'
import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml'
import { CliError } from './cli-error.ts'
import { fieldProblems } from './field-problems.ts'

/** An object and where it stands. */
export interface Located<T> {
  object: T
  file: string
  /** Line of a path such as `providerSpec.disks[0].size`, or of the nearest part of it that is there. */
  lineOf(path: string): number
}

/** What Kubernetes YAML files hold. */
export interface Manifests {
  machines: Located<Machine>[]
  classes: Located<MachineClass>[]
  secrets: Located<Secret>[]
  /** Objects of other kinds, which other controllers read. */
  others: { file: string; kind: string; name: string }[]
}

/**
 * Reads Machines, MachineClasses and Secrets from YAML or JSON: files, all `*.yaml`, `*.yml` and `*.json` of folders,
 * or `-` for standard input. Several documents and `List` objects are allowed, in any order.
 */
export async function readManifests(paths: readonly string[]): Promise<Manifests> {
  const manifests: Manifests = { machines: [], classes: [], secrets: [], others: [] }
  const problems: string[] = []
  for (const file of (await Promise.all(paths.map(filesOf))).flat()) {
    addFile(file, await readText(file), manifests, problems)
  }
  if (problems.length > 0) throw new CliError(problems.join('\n'))
  return manifests
}

/** The class of a machine. */
export function classOf(machine: Located<Machine>, { classes }: Manifests): Located<MachineClass> {
  const { metadata, spec } = machine.object
  const name = spec.class?.name ?? ''
  const found = classes.find(
    ({ object }) => object.metadata.name === name && object.metadata.namespace === metadata.namespace,
  )
  if (found) return found
  const have = classes.map(({ object }) => object.metadata.name).join(', ') || 'none'
  throw new CliError(
    `${machine.file}:${machine.lineOf('spec.class.name')}: Machine ${metadata.name} wants MachineClass ${JSON.stringify(name)} in namespace ${metadata.namespace}, which is not in the given files (they have: ${have})`,
  )
}

/** The Secrets of a class, merged as the controller does: the credentials' one wins. `undefined` when it names none. */
export function secretOf(machineClass: Located<MachineClass>, manifests: Manifests): Secret | undefined {
  const { file, lineOf } = machineClass
  const [missing] = missingSecrets(machineClass, manifests)
  if (missing) throw new CliError(`${file}:${lineOf(missing.path)}: ${missing.path} ${missing.message}`)
  const references = referencedSecrets(machineClass, manifests)
  if (references.length === 0) return undefined
  const data: Record<string, Uint8Array> = {}
  for (const { found } of references) {
    if (!found) continue
    Object.assign(data, found.object.data)
    for (const [dataKey, text] of Object.entries(found.object.stringData ?? {})) data[dataKey] = Buffer.from(text)
  }
  return { data }
}

/** The Secrets that a class names and that are not in the files. */
export function missingSecrets(machineClass: Located<MachineClass>, manifests: Manifests): Violation[] {
  return referencedSecrets(machineClass, manifests)
    .filter(({ found }) => !found)
    .map(({ key, shown }) => ({ path: key, message: `names Secret ${shown}, which is not in the given files` }))
}

function referencedSecrets({ object }: Located<MachineClass>, { secrets }: Manifests) {
  return (['secretRef', 'credentialsSecretRef'] as const).flatMap((key) => {
    const reference = object[key]
    if (!reference) return []
    const { name, namespace = object.metadata.namespace } = reference
    const found = secrets.find(
      ({ object: { metadata } }) => metadata?.name === name && metadata?.namespace === namespace,
    )
    return [{ key, shown: `${namespace}/${name}`, found }]
  })
}

async function filesOf(path: string): Promise<string[]> {
  if (path === '-') return [path]
  const found = await stat(path).catch((error: Error) => {
    throw new CliError(`cannot read ${path}: ${error.message}`)
  })
  if (!found.isDirectory()) return [path]
  const names = (await readdir(path)).filter((name) => ['.yaml', '.yml', '.json'].includes(extname(name))).sort()
  if (names.length === 0) throw new CliError(`${path} has no .yaml, .yml or .json files`)
  return names.map((name) => join(path, name))
}

async function readText(file: string): Promise<string> {
  try {
    if (file !== '-') return await readFile(file, 'utf8')
    const chunks: Buffer[] = []
    for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks).toString('utf8')
  } catch (error) {
    throw new CliError(`cannot read ${file}: ${(error as Error).message}`)
  }
}

function addFile(file: string, text: string, manifests: Manifests, problems: string[]): void {
  const counter = new LineCounter()
  const documents = parseAllDocuments(text, { lineCounter: counter, merge: true })
  for (const document of Array.isArray(documents) ? documents : []) {
    const lineAt = (path: (string | number)[]) => counter.linePos(offsetOf(document, path)).line
    for (const { message, pos } of document.errors) {
      // The first line says what; the library's own position and excerpt follow.
      const [what = ''] = message.split(/ at line \d+|\n/)
      problems.push(`${file}:${counter.linePos(pos[0]).line}: ${what}`)
    }
    if (document.errors.length > 0) continue
    let value: unknown
    try {
      value = document.toJS({ maxAliasCount: 100 })
    } catch (error) {
      problems.push(`${file}:${lineAt([])}: ${(error as Error).message}`)
      continue
    }
    if (value === null) continue
    const items = isList(value) ? value.items : undefined
    for (const [i, item] of (items ?? [value]).entries()) {
      const at = items ? ['items', i] : []
      const lineOf = (path: string) => lineAt([...at, ...segmentsOf(path)])
      for (const { path, message } of addObject({ file, object: item, lineOf }, manifests)) {
        problems.push(`${file}:${lineOf(path)}: ${path === '' ? '' : `${path} `}${message}`)
      }
    }
  }
}

/** @returns What is wrong with the object; when there is nothing, it has been added. */
function addObject({ object, file, lineOf }: Located<unknown>, manifests: Manifests): Violation[] {
  const refuse = (message: string): Violation[] => [{ path: '', message }]
  if (!isObject(object)) return refuse('this is no Kubernetes object')
  const { apiVersion, kind, metadata } = object
  if (typeof apiVersion !== 'string' || typeof kind !== 'string')
    return refuse('a Kubernetes object needs apiVersion and kind')
  const add = <T extends { metadata?: Partial<ObjectMeta> }>(
    schema: DescMessage,
    defaults: object,
    list: Located<T>[],
  ): Violation[] => {
    const wrong = fieldProblems(schema, object)
    if (wrong.length > 0) return wrong
    const plain: { metadata?: Partial<ObjectMeta> } = toPlain(schema, fromJson(schema, object as JsonValue))
    if (!plain.metadata?.name) return refuse(`${kind} needs metadata.name`)
    const identity = { namespace: 'default', ...plain.metadata }
    const twin = list.find(({ object: other }) => {
      return other.metadata?.name === identity.name && other.metadata?.namespace === identity.namespace
    })
    if (twin)
      return refuse(`${kind} ${identity.namespace}/${identity.name} is already at ${twin.file}:${twin.lineOf('')}`)
    list.push({ object: { ...defaults, ...plain, metadata: identity } as T, file, lineOf })
    return []
  }
  if (kind === 'Secret' && apiVersion === 'v1') return add(SecretSchema, {}, manifests.secrets)
  if (kind === 'Machine' || kind === 'MachineClass') {
    if (apiVersion !== 'machine.sapcloud.io/v1alpha1')
      return refuse(`${kind} must have apiVersion machine.sapcloud.io/v1alpha1, not ${apiVersion}`)
    return kind === 'Machine'
      ? add(MachineSchema, { spec: {} }, manifests.machines)
      : add(MachineClassSchema, {}, manifests.classes)
  }
  const name = isObject(metadata) && typeof metadata.name === 'string' ? metadata.name : ''
  manifests.others.push({ file, kind, name })
  return []
}

/** `a.b[1]["odd key"]` → `['a', 'b', 1, 'odd key']` */
function segmentsOf(path: string): (string | number)[] {
  const matches = path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]|([^.[\]]+)/g)
  return [...matches].map(([, quoted, index, name]) => {
    if (index !== undefined) return Number(index)
    return quoted === undefined ? (name ?? '') : String(JSON.parse(`"${quoted}"`))
  })
}

/** Where the key of a path stands, or of the longest part of it that is there. */
function offsetOf(document: Document, path: (string | number)[]): number {
  let node: unknown = document.contents
  let offset = startOf(node) ?? 0
  for (const segment of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(segment))
      if (!pair) break
      offset = startOf(pair.key) ?? offset
      node = pair.value
    } else if (isSeq(node)) {
      node = node.items[Number(segment)]
      if (node === undefined) break
      offset = startOf(node) ?? offset
    } else break
  }
  return offset
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined
}

/** A `List`, as kubectl prints several objects, or a list of one kind such as `MachineList`. */
function isList(value: unknown): value is { items: unknown[] } {
  return isObject(value) && String(value.kind).endsWith('List') && Array.isArray(value.items)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
