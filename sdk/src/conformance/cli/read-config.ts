import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { Settings } from 'typebox/system'
import Value from 'typebox/value'
import { parse, parseAllDocuments } from 'yaml'
import type { JsonObject, JsonValue, MachineClass, Secret } from '../../model/kubernetes.ts'
import { conformanceCases } from '../cases/index.ts'
import { type ClassAndSecret, type ConformanceSetup, defaultDeclarations, defaultLimits, mergePatch } from '../setup.ts'
import { type ConformanceConfig, configSchema } from './config-schema.ts'
import { SetupError } from './setup-error.ts'

/** What a configuration file says, read to the end. */
export interface ReadConfig {
  setup: ConformanceSetup
  hooks: ConformanceConfig['hooks']
  /** Folder of the file, which its paths start from. */
  folder: string
}

/** Names of the configuration file, in a plugin's folder. */
export const configNames = ['mcm-conformance.yaml', 'mcm-conformance.yml', 'mcm-conformance.json']

/** The configuration file of a folder. Fails where there is none. */
export function findConfig(folder: string): string {
  const found = configNames.map((name) => join(folder, name)).find((file) => existsSync(file))
  if (found) return found
  throw new SetupError(
    `${folder} has no ${configNames[0]}: it says which MachineClass and Secret to judge the plugin with`,
  )
}

/**
 * Reads a configuration file, and the files that it names. `${NAME}` in a text stands for an environment variable.
 * Fails with everything that is wrong at once.
 */
export async function readConfig(
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ReadConfig> {
  const folder = dirname(resolve(file))
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new SetupError(`cannot read ${file}: ${error.message}`)
  })
  const problems: string[] = []
  const raw = expanded(parsed(text, file), '', environment, problems)
  problems.push(...schemaProblems(raw))
  refuse(file, problems)
  // The schema has just been checked.
  const config = raw as ConformanceConfig
  for (const id of Object.keys(config.knownFailures ?? {})) {
    if (!conformanceCases.some((one) => one.id === id)) problems.push(`knownFailures.${id}: there is no such case`)
  }
  if (config.hooks?.module !== undefined && Object.keys(config.hooks).length > 1) {
    problems.push('hooks: a module and commands exclude each other')
  }
  if (config.hooks?.fault !== undefined && config.hooks.clearFaults === undefined) {
    problems.push('hooks.clearFaults: is required beside hooks.fault')
  }
  const part = async (path: string, source: unknown, kind: string) => {
    try {
      const object =
        typeof source === 'string' ? await readObject(resolve(folder, source), kind) : (source as JsonObject)
      return expanded(object, path, environment, problems) as JsonObject
    } catch (error) {
      problems.push(`${path}: ${(error as Error).message}`)
      return {}
    }
  }
  const machineClass = classOf(await part('machineClass', config.machineClass, 'MachineClass'), config.providerSpec)
  const secret = config.secret === undefined ? undefined : secretOf(await part('secret', config.secret, 'Secret'))
  const main: ClassAndSecret = { machineClass, ...(secret && { secret }) }
  const variantOf = async (
    name: 'otherCluster' | 'incompatible' | 'uninitialized',
  ): Promise<ClassAndSecret | undefined> => {
    const variant = config[name]
    if (!variant) return undefined
    const base =
      variant.machineClass === undefined
        ? machineClass
        : classOf(await part(`${name}.machineClass`, variant.machineClass, 'MachineClass'))
    const own = variant.secret === undefined ? secret : secretOf(await part(`${name}.secret`, variant.secret, 'Secret'))
    return { machineClass: patched(base, variant.providerSpec), ...(own && { secret: own }) }
  }
  const [otherCluster, incompatible, uninitialized] = [
    await variantOf('otherCluster'),
    await variantOf('incompatible'),
    await variantOf('uninitialized'),
  ]
  if (!machineClass.provider) problems.push('machineClass: names no provider')
  refuse(file, problems)
  return {
    folder,
    hooks: config.hooks,
    setup: {
      profile: config.profile ?? 'core',
      main,
      ...(otherCluster && { otherCluster }),
      ...(incompatible && { incompatible }),
      ...(uninitialized && { uninitialized }),
      ...(config.invalid && {
        invalid: {
          class: { ...main, machineClass: patched(machineClass, config.invalid.providerSpec) },
          paths: config.invalid.paths,
        },
      }),
      ...(config.requiredSecretKeys && { requiredSecretKeys: config.requiredSecretKeys }),
      ...(config.volumes && {
        // Parsed from YAML or JSON, so they are JSON.
        volumes: {
          known: config.volumes.known as { spec: JsonObject; id: string }[],
          unknown: (config.volumes.unknown ?? []) as JsonObject[],
        },
      }),
      declares: { ...defaultDeclarations, ...config.declares },
      limits: { ...defaultLimits, ...config.limits },
      knownFailures: config.knownFailures ?? {},
    },
  }
}

function parsed(text: string, file: string): JsonValue {
  try {
    return parse(text) as JsonValue
  } catch (error) {
    throw new SetupError(`${file} is no YAML: ${(error as Error).message}`)
  }
}

function refuse(file: string, problems: readonly string[]): void {
  if (problems.length > 0)
    throw new SetupError([`${file} is not right:`, ...problems.map((line) => `  ${line}`)].join('\n'))
}

/** The same value with environment variables filled into its texts. */
function expanded(
  value: JsonValue,
  path: string,
  environment: Readonly<Record<string, string | undefined>>,
  problems: string[],
): JsonValue {
  if (typeof value === 'string') {
    return value.replaceAll(/\$\{([A-Z_][A-Z0-9_]*)\}/g, (_, name: string) => {
      const found = environment[name]
      if (found === undefined) problems.push(`${path}: the environment variable ${name} is not set`)
      return found ?? ''
    })
  }
  if (Array.isArray(value)) return value.map((item, i) => expanded(item, `${path}[${i}]`, environment, problems))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, item]) => {
    return [key, expanded(item, path === '' ? key : `${path}.${key}`, environment, problems)] as const
  })
  return Object.fromEntries(entries)
}

function schemaProblems(config: JsonValue): string[] {
  const problems = new Set<string>()
  // Its default would leave some out.
  Settings.Set({ maxErrors: 1000 })
  for (const { keyword, instancePath, params, message } of Value.Errors(configSchema, config)) {
    const path = instancePath
      .slice(1)
      .replaceAll(/\/(\d+)(?=\/|$)/g, '[$1]')
      .replaceAll('/', '.')
    const under = (key: string) => (path === '' ? key : `${path}.${key}`)
    if (keyword === 'required') {
      for (const key of (params as { requiredProperties: string[] }).requiredProperties)
        problems.add(`${under(key)}: is required`)
    } else if (keyword === 'additionalProperties') {
      for (const key of (params as { additionalProperties: string[] }).additionalProperties)
        problems.add(`${under(key)}: is not known`)
    } else if (keyword !== 'boolean' && keyword !== 'anyOf') {
      problems.add(`${path || 'the file'}: ${message}`)
    }
  }
  return [...problems]
}

/** The object of a kind in a YAML file, which may hold several. */
async function readObject(file: string, kind: string): Promise<JsonObject> {
  const documents = parseAllDocuments(await readFile(file, 'utf8'))
  const objects = [...documents].map((document) => document.toJS() as JsonObject | null)
  const found = objects.find((object) => object?.kind === kind)
  if (!found) throw new Error(`${file} holds no ${kind}`)
  return found
}

function classOf(object: JsonObject, patch?: unknown): MachineClass {
  // What a class may hold is the driver's and the host's to judge; only its shape is needed here.
  const machineClass = {
    ...object,
    metadata: { name: 'conformance', namespace: 'default', ...(object.metadata as object) },
  } as unknown as MachineClass
  return patched(machineClass, patch)
}

function patched(machineClass: MachineClass, patch: unknown): MachineClass {
  if (patch === undefined) return machineClass
  return { ...machineClass, providerSpec: mergePatch(machineClass.providerSpec, patch as JsonValue) as JsonObject }
}

/** Values are base64 in a file. */
function secretOf({ data, stringData }: JsonObject): Secret {
  const bytes = Object.entries((data ?? {}) as Record<string, string>).map(([key, text]) => [
    key,
    Buffer.from(String(text), 'base64'),
  ])
  const texts = Object.entries((stringData ?? {}) as Record<string, string>).map(([key, text]) => [
    key,
    Buffer.from(String(text)),
  ])
  return { data: Object.fromEntries([...bytes, ...texts]) }
}
