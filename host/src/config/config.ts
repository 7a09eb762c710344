import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename } from 'node:path'
import { type Static, Type, type Violation } from '@mcm/sdk'
import { driverMethods, methodName } from '@mcm/sdk/contract'
import { compileSchema, describeErrors } from '@mcm/sdk/schema'
import { parseDocument } from 'yaml'
import { isLoopback, type ListenAddress, parseListenAddress } from '../contract/listen-address.ts'
import { defaultPluginFolder } from '../install/plugin-folder.ts'
import type { PluginPolicy } from '../install/policy.ts'
import { logFormats, logLevels } from '../log.ts'
import { permissionKinds, wrongPermission } from '../plugins/permissions.ts'
import type { SlotLimits } from '../routing/resilience/slots.ts'
import type { Deadlines } from '../routing/router.ts'
import type { SupervisionLimits } from '../runtime/plugin-instance.ts'
import type { Isolation } from '../runtime/runners/child-process-runner.ts'
import { uidCount } from '../runtime/runners/plugin-users.ts'
import { defaultEndpoint } from './default-endpoint.ts'

const texts = (description: string) => Type.Array(Type.String({ minLength: 1 }), { description })
const mostSeconds = 7 * 24 * 3600
const seconds = (description: string, defaultSeconds: number) =>
  Type.Number({ description, default: defaultSeconds, exclusiveMinimum: 0, maximum: mostSeconds })
const count = (description: string, defaultCount: number) =>
  Type.Integer({ description, default: defaultCount, minimum: 1, maximum: 1_000_000 })
const strict = { additionalProperties: false }

const permissions = Object.fromEntries(
  permissionKinds.map((kind) => [kind, Type.Optional(Type.Array(Type.String({ minLength: 1 })))]),
)

const methodSeconds = Object.fromEntries(
  driverMethods.map((method) => [
    methodName(method),
    Type.Optional(Type.Number({ description: 'Seconds.', exclusiveMinimum: 0, maximum: mostSeconds })),
  ]),
)

/** What a configuration file may say. docs/reference/configuration.md is generated from it. */
export const configSchema = Type.Object(
  {
    listen: Type.Optional(
      texts('Where gRPC is served: `unix:///path` or `host:port`. Default: a Unix socket in a private directory.'),
    ),
    http: Type.Object(
      {
        listen: Type.Optional(texts('Where HTTP is served (JSON, gRPC-Web): `host:port`. Default: nowhere.')),
        probes: Type.Optional(
          texts(
            'Where `/healthz`, `/readyz` and `/metrics` alone are served, without TLS, to all who can reach it: `host:port`. Default: nowhere.',
          ),
        ),
        allowedOrigins: Type.Optional(
          texts('Web origins whose pages may call, such as `https://console.example`. Default: none.'),
        ),
      },
      { ...strict, default: {}, description: 'The contract for curl and browsers.' },
    ),
    tls: Type.Optional(
      Type.Object(
        {
          cert: Type.String({
            minLength: 1,
            description: 'Certificate of the host, PEM file. Read again when it changes.',
          }),
          key: Type.String({ minLength: 1, description: 'Its key, PEM file.' }),
          clientCa: Type.String({ minLength: 1, description: 'Who signs the certificates of clients, PEM file.' }),
        },
        { ...strict, description: 'TLS with client certificates, for all TCP addresses.' },
      ),
    ),
    insecure: Type.Boolean({ default: false, description: 'Serve TCP on loopback without TLS.' }),
    plugins: Type.Optional(texts('Plugins by package name or folder.')),
    pluginDirs: Type.Optional(
      texts(
        'Folders with plugins: directly, in their `node_modules`, or installed by `mcm plugin add`. Default: `node_modules` beside the host, then the plugin folder of the user.',
      ),
    ),
    watchPlugins: Type.Boolean({
      default: true,
      description:
        'Go over to what `mcm plugin add`, `update` and `remove` install at once. Otherwise `mcm plugin reload` does.',
    }),
    pluginPolicy: Type.Object(
      {
        allow: Type.Optional(
          texts(
            'Names of packages that may be installed and loaded, such as `@mcm/*`; `*` stands for any characters but `/`. Default: all.',
          ),
        ),
        requireIntegrity: Type.Boolean({
          default: false,
          description: 'Load only plugins whose files the lock file of a plugin folder vouches for.',
        }),
        requireProvenance: Type.Optional(
          texts(
            'Repositories, such as `https://github.com/acme/*`. Install and load only plugins that were proven to be built from one of them.',
          ),
        ),
        grant: Type.Optional(
          Type.Record(Type.String(), Type.Object(permissions, strict), {
            description:
              'What plugins may do beyond what they ask for, by package name, such as `{"@acme/mcm-plugin": {env: [ACME_REGION]}}`. The kinds are those of a manifest.',
          }),
        ),
      },
      { ...strict, default: {}, description: 'Which plugins are trusted.' },
    ),
    isolation: Type.Object(
      {
        runner: Type.Enum(['process', 'thread', 'inline'], {
          default: 'process',
          description:
            'What each plugin runs in: a child process, a thread of the host, or the host itself. Only processes have a sandbox.',
        }),
        sandbox: Type.Boolean({
          default: true,
          description: 'Hold plugins to the permissions that they ask for. Off only to develop a plugin.',
        }),
        baseUid: Type.Optional(
          Type.Integer({
            minimum: 1000,
            maximum: 2 ** 32 - 2 - uidCount,
            description: `Give each plugin a user id of its own, from this one on, out of ${uidCount}. Needs a host that runs as root. Default: the user of the host.`,
          }),
        ),
        memoryMiB: Type.Integer({
          default: 512,
          minimum: 256,
          description: 'What a plugin may hold in memory before it is ended. Its heap may have all but 192 MiB of it.',
        }),
      },
      { ...strict, default: {}, description: 'What keeps plugins from the host and from each other.' },
    ),
    log: Type.Object(
      {
        level: Type.Enum(logLevels, { default: 'info' }),
        format: Type.Enum(logFormats, { default: 'json' }),
      },
      { ...strict, default: {}, description: 'The log, on stderr.' },
    ),
    maxMessageBytes: Type.Integer({
      default: 16 * 1024 * 1024,
      minimum: 64 * 1024,
      maximum: 1024 * 1024 * 1024,
      description: 'Largest request or response.',
    }),
    deadlines: Type.Object(
      {
        changeSeconds: seconds('For calls that change something, when the caller sets no deadline.', 20 * 60),
        readSeconds: seconds('For calls that only look, when the caller sets no deadline.', 2 * 60),
        maxSeconds: seconds('For all calls, whatever the caller says.', 60 * 60),
        methods: Type.Object(methodSeconds, {
          ...strict,
          default: {},
          description: 'For single methods, in place of all of these: when the caller sets no deadline, and at most.',
        }),
      },
      { ...strict, default: {}, description: 'How long calls may take.' },
    ),
    lint: Type.Boolean({
      default: false,
      description: 'Warn about what authors of plugins should not do. For development.',
    }),
    supervision: Type.Object(
      {
        startSeconds: seconds(
          'How long a plugin may take to start, its imports included. One that takes longer is ended, and its calls get `Unavailable`.',
          20,
        ),
        stuckSeconds: seconds(
          'How long a plugin may give no sign of life before it counts as stuck: its process is ended, its calls get `Unavailable`, and the next call starts it again.',
          3,
        ),
        abortGraceSeconds: seconds(
          'How long a plugin may go on with a call that was cancelled or whose deadline has passed. Then a fresh process takes over, and the old one ends when its other calls have.',
          10,
        ),
      },
      { ...strict, default: {}, description: 'How patient the host is with plugins.' },
    ),
    concurrency: Type.Object(
      {
        perCredential: count('Calls of one plugin with the same Secret.', 64),
        perPlugin: count('Calls of one plugin.', 256),
        queuePerCredential: count(
          'Calls of one plugin with the same Secret that may wait for their turn. More are refused with `Unavailable`.',
          1000,
        ),
      },
      { ...strict, default: {}, description: 'How many calls run at once.' },
    ),
    stopSeconds: seconds('How long running calls may go on when the host is told to stop.', 30),
  },
  strict,
)

type RawConfig = Static<typeof configSchema>

type TcpAddress = ListenAddress & { kind: 'tcp' }

/** The configuration of a host, checked and complete. */
export interface Config {
  listen: ListenAddress[]
  http: { listen: TcpAddress[]; probes: TcpAddress[]; allowedOrigins: string[] }
  tls: { cert: string; key: string; clientCa: string } | undefined
  plugins: string[]
  /** `undefined` for {@link defaultPluginDirs}. */
  pluginDirs: string[] | undefined
  watchPlugins: boolean
  lint: boolean
  supervision: SupervisionLimits
  pluginPolicy: PluginPolicy
  /** Not of the file: `mcm dev` opens plugins to a debugger. */
  isolation: RawConfig['isolation'] & Pick<Isolation, 'inspectPort'>
  log: RawConfig['log']
  maxMessageBytes: number
  deadlines: Deadlines
  concurrency: SlotLimits
  stopMs: number
}

/** A configuration that cannot be used, with everything that is wrong with it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly violations: readonly Violation[]

  constructor(source: string, violations: readonly Violation[]) {
    const lines = violations.map(({ path, message }) => `  ${path === '' ? message : `${path}  ${message}`}`)
    super([`${source} is not valid`, ...lines].join('\n'))
    this.violations = violations
  }
}

/**
 * Reads a configuration.
 *
 * @param file A YAML file; without one the defaults hold.
 * @param flags What the command line says; each wins over the file.
 */
export async function readConfig(file: string | undefined, flags: Record<string, unknown> = {}): Promise<Config> {
  const fromFile = file === undefined ? {} : await readYaml(file)
  const raw = merge(merge({}, fromFile), flags)
  const validate = compileSchema(configSchema)
  const source = file === undefined ? 'the command line' : `configuration ${file}`
  const wrong = validate(raw) ? [] : describeErrors(validate.errors ?? [], '')
  const addresses = readAddresses(raw, wrong)
  if (wrong.length === 0) {
    // Just checked against the schema that the type comes from.
    const { isolation, pluginPolicy } = raw as unknown as RawConfig
    wrong.push(...checkIsolation(isolation), ...checkGrants(pluginPolicy.grant ?? {}))
  }
  if (wrong.length > 0) throw new ConfigError(source, wrong)
  return complete(raw as unknown as RawConfig, addresses)
}

/** A user of its own is a promise about security: it is kept, or refused. */
function checkIsolation({ runner, baseUid }: RawConfig['isolation']): Violation[] {
  if (baseUid === undefined) return []
  const path = 'isolation.baseUid'
  if (runner !== 'process') {
    return [
      { path, message: `is only for "isolation.runner: process"; with ${runner}, plugins are a part of the host` },
    ]
  }
  if (process.getuid?.() !== 0) return [{ path, message: 'needs a host that runs as root' }]
  return []
}

/** The schema only knows that permissions are texts. */
function checkGrants(grant: NonNullable<PluginPolicy['grant']>): Violation[] {
  return Object.entries(grant).flatMap(([name, granted]) =>
    Object.entries(granted).flatMap(([kind, texts]) =>
      texts.flatMap((text: string) => {
        const message = wrongPermission(kind, text)
        return message === undefined ? [] : [{ path: `pluginPolicy.grant["${name}"].${kind}`, message }]
      }),
    ),
  )
}

interface Addresses {
  listen: ListenAddress[]
  http: TcpAddress[]
  probes: TcpAddress[]
}

/**
 * Reads the addresses, of which the schema only knows that they are texts.
 *
 * @param wrong What is wrong with the configuration so far; problems are added.
 */
function readAddresses(raw: Record<string, unknown>, wrong: Violation[]): Addresses {
  const isSound = (path: string) => !wrong.some((violation) => violation.path.startsWith(path))
  const knowsTls = isSound('tls') && isSound('insecure')
  const read = (path: string, value: unknown) =>
    (Array.isArray(value) ? value : []).flatMap((text: unknown, i) => {
      if (typeof text !== 'string' || text === '') return []
      try {
        return [parseListenAddress(text)]
      } catch (error) {
        wrong.push({ path: `${path}[${i}]`, message: (error as Error).message })
        return []
      }
    })
  const listen = read('listen', raw.listen ?? [defaultEndpoint()])
  const readTcp = (path: string, value: unknown) => {
    const addresses = read(path, value)
    const tcp = addresses.filter((address) => address.kind === 'tcp')
    if (tcp.length < addresses.length) {
      wrong.push({ path, message: 'must be TCP addresses; unix sockets are for gRPC' })
    }
    return tcp
  }
  const section = isObject(raw.http) ? raw.http : {}
  const http = readTcp('http.listen', section.listen)
  const probes = readTcp('http.probes', section.probes)
  // Probes have nothing to protect.
  for (const [path, list] of [
    ['listen', listen],
    ['http.listen', http],
  ] as const) {
    for (const address of list) {
      if (address.kind === 'unix') continue
      if (raw.tls || !knowsTls) continue
      if (!raw.insecure)
        wrong.push({ path, message: 'TCP needs TLS (tls.cert, tls.key, tls.clientCa), or "insecure" on loopback' })
      else if (!isLoopback(address))
        wrong.push({ path, message: `"insecure" is only for loopback, not for ${address.host}; use TLS` })
    }
  }
  return { listen, http, probes }
}

function complete(raw: RawConfig, addresses: Addresses): Config {
  const { startSeconds, stuckSeconds, abortGraceSeconds } = raw.supervision
  return {
    listen: addresses.listen,
    http: {
      listen: addresses.http,
      probes: addresses.probes,
      allowedOrigins: raw.http.allowedOrigins ?? [],
    },
    tls: raw.tls,
    plugins: raw.plugins ?? [],
    pluginDirs: raw.pluginDirs,
    watchPlugins: raw.watchPlugins,
    lint: raw.lint,
    supervision: {
      startMs: startSeconds * 1000,
      stuckMs: stuckSeconds * 1000,
      abortGraceMs: abortGraceSeconds * 1000,
      maxAnswerBytes: raw.maxMessageBytes,
    },
    pluginPolicy: raw.pluginPolicy,
    isolation: raw.isolation,
    log: raw.log,
    maxMessageBytes: raw.maxMessageBytes,
    deadlines: deadlinesOf(raw.deadlines),
    concurrency: raw.concurrency,
    stopMs: raw.stopSeconds * 1000,
  }
}

function deadlinesOf({ changeSeconds, readSeconds, maxSeconds, methods }: RawConfig['deadlines']): Deadlines {
  const methodMs = driverMethods.flatMap((method) => {
    const seconds = methods[methodName(method)]
    return seconds === undefined ? [] : [[method, seconds * 1000]]
  })
  return {
    changeMs: changeSeconds * 1000,
    readMs: readSeconds * 1000,
    maxMs: maxSeconds * 1000,
    methodMs: Object.fromEntries(methodMs),
  }
}

async function readYaml(file: string): Promise<Record<string, unknown>> {
  const source = `configuration ${file}`
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new ConfigError(source, [{ path: '', message: `cannot be read: ${error.message}` }])
  })
  const document = parseDocument(text)
  // The first line says what and where; an excerpt follows.
  const problems = document.errors.map(({ message }) => ({ path: '', message: message.split(/:?\n/)[0] ?? '' }))
  if (problems.length > 0) throw new ConfigError(source, problems)
  const value: unknown = document.toJS() ?? {}
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigError(source, [{ path: '', message: 'must be a YAML object' }])
  }
  return value as Record<string, unknown>
}

/** `over` wins, part by part. What is empty in it says nothing, such as a section whose lines are all commented out. */
function merge(base: Record<string, unknown>, over: Record<string, unknown>): Record<string, unknown> {
  const merged = { ...base }
  for (const [key, value] of Object.entries(over)) {
    if (value === undefined || value === null) continue
    merged[key] =
      isObject(value) && isObject(merged[key]) ? merge(merged[key], value) : isObject(value) ? merge({}, value) : value
  }
  return merged
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Where plugins are looked for by default. The last need not be there yet. */
export function defaultPluginDirs(): string[] {
  return [...besideTheHost(), defaultPluginFolder()]
}

/** The `node_modules` folders in which an import of the host would look, so that `npm i` beside it is enough. */
function besideTheHost(): string[] {
  const paths = createRequire(import.meta.url).resolve.paths('mcm') ?? []
  return paths.filter((path) => basename(path) === 'node_modules' && existsSync(path))
}
