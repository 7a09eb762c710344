import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { defaultPluginFolder } from '../install/plugin-folder.ts'
import { type ConfigError, defaultPluginDirs, readConfig } from './config.ts'
import { defaultEndpoint } from './default-endpoint.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcm-config-'))
})
afterAll(async () => await rm(folder, { recursive: true, force: true }))

async function read(yaml: string | undefined, flags: Record<string, unknown> = {}) {
  if (yaml === undefined) return await readConfig(undefined, flags)
  const file = join(folder, 'config.yaml')
  await writeFile(file, yaml)
  return await readConfig(file, flags)
}

const problemsOf = async (yaml: string | undefined, flags: Record<string, unknown> = {}) =>
  await read(yaml, flags).then(
    () => [],
    (error: ConfigError) =>
      error.violations.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)),
  )

it('has defaults for everything', async () => {
  for (const yaml of [undefined, '', '# nothing\n', 'http:\nlog:\n']) {
    expect(await read(yaml, { pluginDirs: [] })).toEqual({
      listen: [{ kind: 'unix', path: defaultEndpoint().replace('unix://', '') }],
      http: { listen: [], probes: [], allowedOrigins: [] },
      tls: undefined,
      plugins: [],
      pluginDirs: [],
      pluginPolicy: { requireIntegrity: false },
      isolation: { runner: 'process', sandbox: true, memoryMiB: 512 },
      log: { level: 'info', format: 'json' },
      maxMessageBytes: 16 * 1024 * 1024,
      deadlines: { changeMs: 1_200_000, readMs: 120_000, maxMs: 3_600_000, methodMs: {} },
      watchPlugins: true,
      lint: false,
      supervision: { startMs: 20_000, stuckMs: 3000, abortGraceMs: 10_000, maxAnswerBytes: 16 * 1024 * 1024 },
      concurrency: { perCredential: 64, perPlugin: 256, queuePerCredential: 1000 },
      stopMs: 30_000,
    })
  }
  expect((await read(undefined)).pluginDirs).toBeUndefined()
  const pluginDirs = defaultPluginDirs()
  expect(pluginDirs.at(-1)).toBe(defaultPluginFolder())
  const others = pluginDirs.filter((path) => path !== defaultPluginFolder())
  expect(others.every((path) => path.endsWith('node_modules'))).toBe(true)
})

it('takes what the file says, and the command line over it, part by part', async () => {
  const yaml = `
listen: [unix:///run/a, "[::1]:1"]
http: { listen: ["127.0.0.1:2"], probes: [":3"], allowedOrigins: ["https://a.example"] }
insecure: true
plugins: [a]
pluginPolicy: { allow: ["@acme/*"], requireIntegrity: true, grant: { "@acme/x": { env: [ACME], files: ["read:/a"] } } }
log: { level: debug, format: pretty }
deadlines: { changeSeconds: 1.5, methods: { GetVolumeIDs: 9.5, CreateMachine: 1800 } }
concurrency: { perCredential: 8 }
stopSeconds: 1
`
  expect(
    await read(yaml, {
      plugins: ['b'],
      http: { listen: undefined },
      log: { level: 'warn', format: undefined },
      insecure: undefined,
      pluginDirs: ['x'],
    }),
  ).toEqual({
    listen: [
      { kind: 'unix', path: '/run/a' },
      { kind: 'tcp', host: '::1', port: 1 },
    ],
    http: {
      listen: [{ kind: 'tcp', host: '127.0.0.1', port: 2 }],
      // Needs neither TLS nor loopback.
      probes: [{ kind: 'tcp', host: '::', port: 3 }],
      allowedOrigins: ['https://a.example'],
    },
    tls: undefined,
    plugins: ['b'],
    pluginDirs: ['x'],
    pluginPolicy: {
      allow: ['@acme/*'],
      requireIntegrity: true,
      grant: { '@acme/x': { env: ['ACME'], files: ['read:/a'] } },
    },
    isolation: { runner: 'process', sandbox: true, memoryMiB: 512 },
    log: { level: 'warn', format: 'pretty' },
    maxMessageBytes: 16 * 1024 * 1024,
    deadlines: {
      changeMs: 1500,
      readMs: 120_000,
      maxMs: 3_600_000,
      methodMs: { createMachine: 1_800_000, getVolumeIDs: 9500 },
    },
    watchPlugins: true,
    lint: false,
    supervision: { startMs: 20_000, stuckMs: 3000, abortGraceMs: 10_000, maxAnswerBytes: 16 * 1024 * 1024 },
    concurrency: { perCredential: 8, perPlugin: 256, queuePerCredential: 1000 },
    stopMs: 1000,
  })
})

const needsTls = 'TCP needs TLS (tls.cert, tls.key, tls.clientCa), or "insecure" on loopback'
const tls = 'tls: { cert: a, key: b, clientCa: c }\n'

describe('refuses', () => {
  it.each<[string, string | undefined, Record<string, unknown>, string[]]>([
    [
      'permissions that there are not',
      'pluginPolicy: { grant: { "@acme/x": { file: [/a], env: ACME } } }',
      {},
      [
        'pluginPolicy.grant["@acme/x"].file: is not a known field',
        'pluginPolicy.grant["@acme/x"].env: must be array, is "ACME"',
      ],
    ],
    [
      'permissions that nobody can have',
      'pluginPolicy: { grant: { "@acme/x": { files: [a, /b], env: [NODE_OPTIONS] } } }',
      {},
      [
        'pluginPolicy.grant["@acme/x"].files: has "a"; it takes "/path", "~/path" or "*", each also as "read:…"',
        `pluginPolicy.grant["@acme/x"].env: has "NODE_OPTIONS", which would change how the plugin's process is run`,
      ],
    ],
    [
      'a user of its own for plugins that are a part of the host',
      'isolation: { runner: thread, baseUid: 2000000 }',
      {},
      ['isolation.baseUid: is only for "isolation.runner: process"; with thread, plugins are a part of the host'],
    ],
    [
      'unknown and wrong fields, all at once',
      `listne: []
log: { level: loud, colour: red }
stopSeconds: 0
maxMessageBytes: 1
tls: { cert: x }
plugins: acme
deadlines: { methods: { createMachine: 1, Reboot: 1, DeleteMachine: 0 } }
concurrency: { perPlugin: 0, perTenant: 1 }`,
      {},
      [
        'listne: is not a known field',
        'tls.key: is required',
        'tls.clientCa: is required',
        'plugins: must be array, is "acme"',
        'log.colour: is not a known field',
        'log.level: must be one of fatal, error, warn, info, debug, trace, silent, is "loud"',
        'maxMessageBytes: must be at least 65536, is 1',
        'deadlines.methods.createMachine: is not a known field',
        'deadlines.methods.Reboot: is not a known field',
        'deadlines.methods.DeleteMachine: must be greater than 0, is 0',
        'concurrency.perTenant: is not a known field',
        'concurrency.perPlugin: must be at least 1, is 0',
        'stopSeconds: must be greater than 0, is 0',
      ],
    ],
    [
      'addresses as well, where all that bears on them is in order',
      'listen: [nowhere, 7, "127.0.0.1:1"]\nhttp: { listen: ["unix:///x"] }\ninsecure: perhaps\n',
      {},
      [
        'listen[1]: must be string, is 7',
        'insecure: must be boolean, is "perhaps"',
        'listen[0]: "nowhere" is no address to listen on; use unix:///path, host:port or [::1]:port',
        'http.listen: must be TCP addresses; unix sockets are for gRPC',
      ],
    ],
    [
      'TCP without TLS',
      'listen: ["127.0.0.1:1"]\nhttp: { listen: ["127.0.0.1:2"] }',
      {},
      [`listen: ${needsTls}`, `http.listen: ${needsTls}`],
    ],
    [
      'insecure off loopback',
      undefined,
      { listen: ['0.0.0.0:1'], http: { listen: [':2'] }, insecure: true },
      [
        'listen: "insecure" is only for loopback, not for 0.0.0.0; use TLS',
        'http.listen: "insecure" is only for loopback, not for ::; use TLS',
      ],
    ],
    [
      'addresses that are none',
      'listen: [nowhere, "unix:x"]',
      {},
      [
        'listen[0]: "nowhere" is no address to listen on; use unix:///path, host:port or [::1]:port',
        'listen[1]: "unix:x" is no address to listen on; use unix:///path, host:port or [::1]:port',
      ],
    ],
    [
      'HTTP on a socket',
      'http: { listen: ["unix:///x"] }',
      {},
      ['http.listen: must be TCP addresses; unix sockets are for gRPC'],
    ],
    [
      'half of TLS on the command line',
      undefined,
      { tls: { cert: 'a', key: undefined } },
      ['tls.key: is required', 'tls.clientCa: is required'],
    ],
    ['a list in the place of an object', '- a', {}, ['must be a YAML object']],
    ['a text in the place of an object', 'text', {}, ['must be a YAML object']],
  ])('%s', async (_, yaml, flags, problems) => {
    expect(await problemsOf(yaml, flags)).toEqual(problems)
  })

  it('malformed YAML, keys that come twice, several documents, and no file', async () => {
    const malformed: [string, RegExp][] = [
      ['a: [', /^Flow sequence in block collection must be .* at line 1, column \d+$/],
      ['a: 1\na: 2', /^Map keys must be unique at line 2/],
      ['a: 1\n---\nb: 2', /^Source contains multiple documents/],
    ]
    for (const [yaml, problem] of malformed) {
      const [first = ''] = await problemsOf(yaml)
      expect(first).toMatch(problem)
    }
    await expect(readConfig(join(folder, 'none.yaml'))).rejects.toThrow(
      `configuration ${folder}/none.yaml is not valid\n  cannot be read: ENOENT`,
    )
  })

  it('nothing that TLS allows', async () => {
    expect(await problemsOf(`${tls}listen: ["0.0.0.0:1"]\nhttp: { listen: [":2"] }`)).toEqual([])
  })
})
