import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, lstatSync, openSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { builtFile, fixture } from './testing/built-program.ts'
import { makeGate } from './testing/gate.ts'
import { startHost } from './testing/host-process.ts'
import { failureOf, machine, request } from './testing/requests.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcm-life-'))
})
afterAll(async () => await rm(folder, { recursive: true, force: true }))

/** Runs `mcm serve` to its end, for starts that are to fail. */
async function serve(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [
    builtFile('host/bin/mcm.js'),
    'serve',
    '--log-level',
    'silent',
    '--plugin-dir',
    folder,
    ...args,
  ])
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk
  })
  const [code] = await once(child, 'close')
  return { code, ...output }
}

it('stops when told to while it still waits for a plugin to start', async () => {
  // Not where the other tests' hosts look for plugins.
  const plugin = join(folder, 'apart', 'endless')
  await mkdir(plugin, { recursive: true })
  const mcm = { contract: 1, host: '>=0.1.0', providers: ['Endless'] }
  const manifest = { name: 'endless', version: '1.0.0', type: 'module', exports: './index.js', mcm }
  await writeFile(join(plugin, 'package.json'), JSON.stringify(manifest))
  const code = "console.log('loading'); setInterval(() => {}, 1000); await new Promise(() => {})"
  await writeFile(join(plugin, 'index.js'), code)
  const args = ['serve', '--plugin-dir', plugin, '--plugin', plugin, '--listen', `unix://${join(folder, 'early.sock')}`]
  const child = spawn(process.execPath, [builtFile('host/bin/mcm.js'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const closed = once(child, 'close')
  await once(child.stderr, 'data')
  child.kill('SIGTERM')
  expect(await closed).toEqual([0, null])
  expect(child.stdout.read()).toBeNull()
})

it('serves, and stops when told to, though its log has no room on the disk', async () => {
  const full = openSync('/dev/full', 'w')
  const args = ['serve', '--plugin-dir', folder, '--listen', `unix://${join(folder, 'full.sock')}`]
  const child = spawn(process.execPath, [builtFile('host/bin/mcm.js'), ...args], { stdio: ['ignore', 'pipe', full] })
  closeSync(full)
  const closed = once(child, 'close')
  await once(child.stdout ?? child, 'data')
  child.kill('SIGTERM')
  expect(await closed).toEqual([0, null])
})

describe('the socket', () => {
  it('of a killed host is replaced; that of a living one is not taken', async () => {
    const socket = join(folder, 'host.sock')
    {
      await using killed = await startHost({ socket })
      killed.process.kill('SIGKILL')
      await killed.exited
    }
    expect(lstatSync(socket).isSocket()).toBe(true)
    await using host = await startHost({ socket })
    expect(await serve('--listen', `unix://${socket}`)).toEqual({
      code: 1,
      stdout: '',
      stderr: `the host cannot start: ${socket} is in use by another process; stop it or listen elsewhere\n`,
    })
    await using driver = host.connect()
    expect(await driver.listPlugins()).toMatchObject({ plugins: [] })
    // Only who runs the host may call it.
    expect(lstatSync(socket).mode & 0o022).toBe(0)
  })

  it('is not put in the place of a file', async () => {
    const file = join(folder, 'precious')
    await writeFile(file, 'do not lose me')
    expect(await serve('--listen', `unix://${file}`)).toMatchObject({
      code: 1,
      stderr: `the host cannot start: ${file} exists and is no socket; remove it or listen elsewhere\n`,
    })
    expect(existsSync(file)).toBe(true)
  })

  it('swallows binary garbage', async () => {
    await using host = await startHost({})
    const socket = connect(host.socket)
    socket.on('error', () => {})
    socket.resume()
    socket.end(Buffer.alloc(100_000, 0x9d))
    await once(socket, 'close')
    await using driver = host.connect()
    expect(await driver.listPlugins()).toMatchObject({ plugins: [] })
  })
})

describe('a start that cannot be', () => {
  it('says all that is wrong with the configuration', async () => {
    const file = join(folder, 'bad.yaml')
    await writeFile(file, 'listne: []\nlog: { level: loud }\nstopSeconds: -1\n')
    expect(await serve('--config', file)).toEqual({
      code: 1,
      stdout: '',
      stderr: [
        `configuration ${file} is not valid`,
        '  listne  is not a known field',
        '  stopSeconds  must be greater than 0, is -1',
        '',
      ].join('\n'),
    })
  })

  it.each([
    [
      'TCP without TLS',
      ['--listen', '127.0.0.1:0'],
      '  listen  TCP needs TLS (tls.cert, tls.key, tls.clientCa), or "insecure" on loopback',
    ],
    [
      'HTTP without TLS',
      ['--listen', 'unix:///tmp/x', '--http', '127.0.0.1:0'],
      '  http.listen  TCP needs TLS (tls.cert, tls.key, tls.clientCa), or "insecure" on loopback',
    ],
    [
      'insecure off loopback',
      ['--listen', '0.0.0.0:0', '--insecure'],
      '  listen  "insecure" is only for loopback, not for 0.0.0.0; use TLS',
    ],
    ['half of TLS', ['--tls-cert', 'x.pem'], '  tls.key  is required\n  tls.clientCa  is required'],
  ])('%s', async (_, args, problem) => {
    expect(await serve(...args)).toEqual({ code: 1, stdout: '', stderr: `the command line is not valid\n${problem}\n` })
  })

  it('names the address that is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const { code, stderr } = await serve('--listen', `127.0.0.1:${port}`, '--insecure')
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(
        `^the host cannot start: cannot listen on 127\\.0\\.0\\.1:${port}: .*EADDRINUSE.*\n$`,
      ),
    })
    server.close()
  })
})

describe('SIGTERM', () => {
  it('lets a running call finish, refuses new ones with a clear error, and leaves nothing', async () => {
    await using gate = await makeGate()
    await using host = await startHost({ plugins: ['slow', 'good'].map(fixture) })
    await using driver = host.connect()
    const running = driver.createMachine(request('Slow', { gate: gate.path }))
    await gate.arrived()
    host.process.kill('SIGTERM')
    await host.log.first(({ msg }) => msg === 'host stopping')
    expect(await failureOf(driver.createMachine(request('Good', { region: 'north' }, { token: 'x' })))).toEqual({
      code: 'Unavailable',
      source: 'host',
      reason: 'HOST_STOPPING',
      message: 'the host is stopping; try again',
    })
    gate.open()
    expect((await running).providerID).toBe('slow:///m-1')
    expect(await host.exited).toEqual({ code: 0, signal: null })
    expect(existsSync(host.socket)).toBe(false)
  })

  it('cancels what runs for longer than it may, and kills a plugin that takes no notice', async () => {
    await using gate = await makeGate()
    await using host = await startHost({ plugins: ['slow', 'stubborn'].map(fixture), config: { stopSeconds: 0.2 } })
    await using driver = host.connect()
    const slow = failureOf(driver.createMachine(request('Slow', { gate: gate.path })))
    const stubborn = failureOf(
      driver.createMachine({ ...request('Stubborn', { gate: gate.path }), machine: machine('m-2') }),
    )
    await gate.arrived(2)
    const { plugins } = await driver.listPlugins()
    host.process.kill('SIGTERM')
    expect(await slow).toEqual({
      code: 'Unavailable',
      source: 'host',
      reason: 'HOST_STOPPING',
      message: 'the host is stopping and has cancelled the call; try again',
    })
    expect(await stubborn).toEqual({
      code: 'Unavailable',
      source: 'host',
      reason: 'HOST_STOPPING',
      message: 'the host is stopping, and has stopped plugin @mcm-fixture/stubborn; try again',
    })
    expect(await host.exited).toEqual({ code: 0, signal: null })
    for (const { pid } of plugins) expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  })

  it('twice ends it at once', async () => {
    await using gate = await makeGate()
    await using host = await startHost({ plugins: [fixture('stubborn')] })
    await using driver = host.connect()
    const call = failureOf(driver.createMachine(request('Stubborn', { gate: gate.path })))
    await gate.arrived()
    host.process.kill('SIGTERM')
    await host.log.first(({ msg }) => msg === 'host stopping')
    host.process.kill('SIGTERM')
    expect(await host.exited).toEqual({ code: 143, signal: null })
    expect(await call).toMatchObject({ code: 'Unavailable' })
    await gate.left()
  })
})
