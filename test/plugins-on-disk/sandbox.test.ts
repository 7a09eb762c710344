import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitFor } from '@mcm/sdk'
import type { ConnectedDriver } from '@mcm/sdk/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { fixture } from '../contract/testing/built-program.ts'
import { fixtureVariant } from '../contract/testing/fixture-variant.ts'
import { type HostProcess, startHost } from '../contract/testing/host-process.ts'
import { mcm } from '../contract/testing/mcm.ts'
import { openCheckout } from '../contract/testing/open-checkout.ts'
import { failureOf, request } from '../contract/testing/requests.ts'

// What a plugin may do is decided by its manifest. One plugin asks for nothing, others for something each.

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcm-sandbox-')))
const shared = join(folder, 'shared.txt')
const readOnly = join(folder, 'read-only.txt')
const socket = join(folder, 'sock')
const kinds: Record<string, Record<string, string[]>> = {
  Net: { net: ['127.0.0.1'] },
  Files: { files: [shared, `read:${readOnly}`] },
  AllFiles: { files: ['*'] },
  Programs: { programs: ['node'] },
  Env: { env: ['MCM_TEST_WANTED'] },
  Granted: { files: [shared] },
}
// What the configuration of the host grants beyond that.
const grant = {
  '@mcm-fixture/granted': { env: ['MCM_TEST_WANTED'], files: [`read:${readOnly}`] },
  '@mcm-fixture/absent': { net: ['*'] },
}
const servers: Server[] = []
let port = 0
let host: HostProcess
let driver: ConnectedDriver

beforeAll(async () => {
  writeFileSync(shared, 'shared')
  writeFileSync(readOnly, 'read-only')
  for (const address of [{ port: 0, host: '127.0.0.1' }, { path: socket }]) {
    const server = createServer((connection) => connection.on('error', () => {}).end('HTTP/1.1 204 x\r\n\r\n'))
    server.listen(address)
    await once(server, 'listening')
    servers.push(server)
  }
  const address = servers[0]?.address()
  port = typeof address === 'object' ? (address?.port ?? 0) : 0
  const variants = Object.entries(kinds).map(([provider, permissions]) =>
    fixtureVariant(folder, 'reaching', { provider, permissions }),
  )
  host = await startHost({
    plugins: [fixture('reaching'), ...variants],
    config: { pluginPolicy: { grant } },
    // A shell's lock file, for example.
    inherited: openSync(shared, 'r'),
    env: { MCM_TEST_WANTED: 'here', MCM_TEST_SECRET: 'not for plugins' },
  })
  driver = host.connect()
})

afterAll(async () => {
  driver?.close()
  await host?.[Symbol.asyncDispose]()
  for (const server of servers) server.close()
  rmSync(folder, { recursive: true, force: true })
})

const attempt = async (attempt: string, spec = {}, provider = 'Reaching') => {
  return (await driver.createMachine(request(provider, { attempt, ...spec }))).nodeName
}
const pidOf = async (provider = 'Reaching') => {
  const { plugins } = await driver.listPlugins()
  return plugins.find(({ providers }) => providers.includes(provider))?.pid ?? 0
}
const denied = (kind?: string) => {
  const remedy = kind
    ? `a plugin that needs it asks for "${kind}" under "mcm.permissions" in its package.json, and an operator may grant it under "pluginPolicy.grant"`
    : 'no permission allows it'
  return {
    code: 'Internal',
    source: 'plugin',
    retry: 'later',
    message: expect.stringContaining(`ERR_ACCESS_DENIED: the sandbox does not allow this; ${remedy}`),
  }
}

describe('a plugin to which the operator grants more than it asks for', () => {
  it('may do both, and nothing else', async () => {
    const { MCM_TEST_WANTED, MCM_TEST_SECRET } = JSON.parse(await attempt('environment', {}, 'Granted'))
    expect([MCM_TEST_WANTED, MCM_TEST_SECRET]).toEqual(['here', undefined])
    expect(await attempt('read', { path: shared }, 'Granted')).toBe('shared')
    expect(await attempt('read', { path: readOnly }, 'Granted')).toBe('read-only')
    expect(await failureOf(attempt('write', { path: readOnly }, 'Granted'))).toEqual(denied('files'))
    expect(await failureOf(attempt('tcp', { port }, 'Granted'))).toEqual(denied('net'))
  })

  it('shows what it was granted apart from what it asks for', async () => {
    const { plugins } = await driver.listPlugins()
    const found = plugins.find(({ name }) => name === '@mcm-fixture/granted')
    expect(found?.permissions).toEqual({ files: [shared] })
    expect(found?.grantedPermissions).toEqual(grant['@mcm-fixture/granted'])
    expect(plugins.filter(({ grantedPermissions }) => grantedPermissions)).toHaveLength(1)
    const { stdout: shown } = await mcm('plugin', 'show', 'Granted', '--endpoint', host.endpoint)
    expect(parse(shown).granted).toEqual(grant['@mcm-fixture/granted'])
    const { stdout: listed } = await mcm('plugin', 'list', '--endpoint', host.endpoint)
    expect(listed).toMatch(new RegExp(`^@mcm-fixture/granted .* env:MCM_TEST_WANTED, files:read:${readOnly}`, 'm'))
  })

  it('is missed where it is not there', async () => {
    const missed = host.log.all.filter(({ msg }) => msg === 'permissions are granted to a plugin that is not there')
    expect(missed.map(({ plugin }) => plugin)).toEqual(['@mcm-fixture/absent'])
  })
})

describe('a plugin that asks for nothing', () => {
  it.each([
    ['read', 'files', () => ({ path: readOnly })],
    ['write', 'files', () => ({ path: join(folder, 'new') })],
    ['list', 'files', () => ({ path: '/proc/self/fd' })],
    ['list', 'files', () => ({ path: join(fixture('good'), '..') })],
    // A neighbour's files, the host's, and what the host was given.
    ['read', 'files', () => ({ path: join(fixture('good'), 'index.js') })],
    ['load', 'files', () => ({ path: join(fixture('good'), 'index.js') })],
    ['hostEnvironment', 'files'],
    ['hostFiles', 'files'],
    ['changeDirectory', 'files'],
    ['heapSnapshot', 'files', () => ({ path: join(folder, 'new') })],
    ['report', undefined, () => ({ path: join(folder, 'new') })],
    ['tcp', 'net', () => ({ port })],
    ['tcpServer', 'net'],
    ['udp', 'net', () => ({ port })],
    ['unix', 'net', () => ({ path: socket })],
    ['fetch', 'net', () => ({ port })],
    ['spawn', 'programs'],
    ['execve', 'programs'],
    ['thread', undefined],
    ['foreign', undefined],
    ['wasi', undefined],
    ['inspector', undefined],
  ] as [string, string | undefined, (() => object)?][])('cannot %s (permission: %s)', async (name, kind, spec) => {
    expect(await failureOf(attempt(name, spec?.()))).toEqual(denied(kind))
  })

  it.each([
    ['lookup', {}, 'getaddrinfo ERR_ACCESS_DENIED localhost'],
    ['resolve', {}, 'queryA ERR_ACCESS_DENIED localhost'],
    ['sqlite', { path: join(folder, 'new') }, 'No such built-in module: node:sqlite'],
    ['addon', { path: '/nowhere.node' }, 'Cannot load native addon because loading addons is disabled.'],
    ['binding', {}, 'process.binding'],
  ])('cannot %s', async (name, spec, message) => {
    const failure = { code: 'Internal', source: 'plugin', retry: 'later', message }
    expect(await failureOf(attempt(name, spec))).toEqual(failure)
  })

  it('has left nothing where it must not write', () => {
    expect(existsSync(join(folder, 'new'))).toBe(false)
  })

  it('gets the environment that programs need, and nothing else of it', async () => {
    const names = Object.keys(JSON.parse(await attempt('environment')))
    expect(names).toContain('PATH')
    expect(names.filter((name) => name.startsWith('MCM_TEST'))).toEqual([])
  })

  it('inherits no descriptors but its output and its channel', async () => {
    const pid = await pidOf()
    const own = (id: number) =>
      readdirSync(`/proc/${id}/fd`).flatMap((fd) => {
        try {
          return [readlinkSync(`/proc/${id}/fd/${fd}`)]
        } catch {
          // Closed meanwhile.
          return []
        }
      })
    const isShareable = (target: string) => /^(socket|pipe):|^\//.test(target) && target !== '/dev/null'
    const hosts = new Set(own(host.pid).filter(isShareable))
    expect(hosts.size).toBeGreaterThan(3)
    expect(hosts).toContain(shared)
    expect(own(pid).filter((target) => hosts.has(target) && !target.startsWith('/dev/'))).toEqual([])
    const inherited = readdirSync(`/proc/${pid}/fd`).filter((fd) => Number(fd) <= 3)
    expect(inherited.sort()).toEqual(['0', '1', '2', '3'])
  })

  it('cannot open a debugger, on itself or on the host', async () => {
    await attempt('openDebugger')
    await attempt('debugHost')
    // Each is there still, and Node has said nothing of a debugger.
    expect(await attempt('scratch')).not.toBe('')
    expect(host.stderr()).not.toContain('Debugger listening')
  })

  it('works in a private folder of its own, which is gone after it', async () => {
    const scratch = JSON.parse(await attempt('scratch'))
    expect(scratch).toEqual({ folder: scratch.folder, tmpdir: scratch.folder, folderMode: '700', fileMode: '600' })
    expect(JSON.parse(await attempt('scratch', {}, 'Net')).folder).not.toBe(scratch.folder)
    process.kill(await pidOf(), 'SIGKILL')
    await until(() => !existsSync(scratch.folder))
    // It works again, elsewhere.
    expect(JSON.parse(await attempt('scratch')).folder).not.toBe(scratch.folder)
  })

  it.runIf(process.platform === 'linux')(
    'leaves no memory in a core dump, and goes before the host when memory is short',
    async () => {
      const pid = await pidOf()
      expect(readFileSync(`/proc/${pid}/coredump_filter`, 'utf8').trim()).toMatch(/^0+$/)
      expect(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8').trim()).toBe('500')
    },
  )
})

describe('with the permission', () => {
  it.each([
    ['tcp', 'Net', () => ({ port }), 'connected'],
    ['tcpServer', 'Net', () => ({}), 'listening'],
    ['udp', 'Net', () => ({ port }), 'sent'],
    ['unix', 'Net', () => ({ path: socket }), 'connected'],
    ['lookup', 'Net', () => ({}), 'found'],
    ['fetch', 'Net', () => ({ port }), '[object Response]'],
    ['read', 'Files', () => ({ path: shared }), 'shared'],
    ['write', 'Files', () => ({ path: shared }), 'written'],
    ['read', 'Files', () => ({ path: readOnly }), 'read-only'],
    ['read', 'AllFiles', () => ({ path: readOnly }), 'read-only'],
    ['sqlite', 'AllFiles', () => ({ path: join(folder, 'db') }), 'opened'],
    ['spawn', 'Programs', () => ({}), '42'],
  ])('%s works for %s', async (name, provider, spec, answer) => {
    expect(await attempt(name, spec(), provider)).toBe(answer)
  })

  it.each([
    ['write', 'Files', () => ({ path: readOnly }), 'files'],
    ['read', 'Files', () => ({ path: join(folder, 'other') }), 'files'],
    ['read', 'Net', () => ({ path: shared }), 'files'],
    ['thread', 'AllFiles', () => ({}), undefined],
    ['tcp', 'Programs', () => ({ port }), 'net'],
  ])('%s is denied to %s still', async (name, provider, spec, kind) => {
    expect(await failureOf(attempt(name, spec(), provider))).toEqual(denied(kind))
  })

  it('an environment variable comes', async () => {
    const env = JSON.parse(await attempt('environment', {}, 'Env'))
    expect([env.MCM_TEST_WANTED, env.MCM_TEST_SECRET]).toEqual(['here', undefined])
  })

  it('a program that it has started ends with it', async () => {
    const program = Number(await attempt('startProgram', {}, 'Programs'))
    expect(process.kill(program, 0)).toBe(true)
    process.kill(await pidOf('Programs'), 'SIGKILL')
    await until(() => !isRunning(program))
  })
})

// Shown as skipped to an ordinary user; CI runs as root.
describe.skipIf(process.getuid?.() !== 0)('with a user of its own (needs root, to become another user)', () => {
  let project: ReturnType<typeof openCheckout>
  let other: HostProcess
  let otherDriver: ConnectedDriver
  const reach = async (name: string, spec = {}, provider = 'Reaching') => {
    return (await otherDriver.createMachine(request(provider, { attempt: name, ...spec }))).nodeName
  }

  beforeAll(async () => {
    project = openCheckout()
    const root = project.path
    const neighbour = fixtureVariant(folder, 'reaching', { provider: 'Neighbour', permissions: { files: ['*'] } }, root)
    const locked = fixtureVariant(join(folder, 'locked'), 'reaching', { provider: 'Locked', permissions: {} }, root)
    chmodSync(folder, 0o711)
    chmodSync(join(folder, 'locked'), 0o700)
    writeFileSync(join(folder, 'private.txt'), 'private', { mode: 0o600 })
    const isolation = { baseUid: 2_000_000 }
    const plugins = [join(root, 'test/fixtures/plugins/reaching'), neighbour, locked]
    other = await startHost({ plugins, config: { isolation }, root })
    otherDriver = other.connect()
  })

  afterAll(async () => {
    otherDriver?.close()
    await other?.[Symbol.asyncDispose]()
    project?.close()
  })

  it('each is somebody, nobody is root or in a group of it', async () => {
    const [one = '', two = ''] = [await reach('identity'), await reach('identity', {}, 'Neighbour')]
    expect(one).toMatch(/^2\d{6}:2\d{6}:(2\d{6})?$/)
    expect(two).toMatch(/^2\d{6}:2\d{6}:(2\d{6})?$/)
    expect(one).not.toBe(two)
  })

  it('cannot signal its host or a neighbour', async () => {
    const neighbour = (await otherDriver.getMachineStatus(request('Neighbour', { attempt: '' }))).nodeName
    for (const pid of [other.pid, Number(neighbour)]) {
      expect(await failureOf(reach('signal', { pid }))).toEqual({
        code: 'Internal',
        source: 'plugin',
        retry: 'later',
        message: 'kill EPERM',
      })
    }
  })

  it('cannot read what is private to the host, even with a permission for all files', async () => {
    const scratch = JSON.parse(await reach('scratch')).folder
    for (const path of [join(folder, 'private.txt'), `/proc/${other.pid}/environ`, join(scratch, 'file')]) {
      const { message } = await failureOf(reach('read', { path }, 'Neighbour'))
      expect(message).toMatch(/^EACCES: permission denied/)
    }
  })

  it('says which folder is in the way', async () => {
    const { message } = await failureOf(reach('identity', {}, 'Locked'))
    expect(message).toMatch(
      new RegExp(
        `^plugin @mcm-fixture/locked cannot be used: could not be started: user \\d+ cannot read ${folder}/locked/Locked, since ${folder}/locked is closed to others; "chmod o\\+x ${folder}/locked", or put it elsewhere$`,
      ),
    )
  })
})

const until = async (isSo: () => boolean) =>
  await waitFor(() => (isSo() ? true : undefined), {
    signal: AbortSignal.timeout(30_000),
    what: 'something to be gone',
    maxIntervalMs: 50,
  })

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
