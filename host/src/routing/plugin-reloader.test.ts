import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { FoundPlugins } from '../plugins/find-plugins.ts'
import type { PluginPackage, RejectedPackage } from '../plugins/plugin-package.ts'
import { PluginSupervisor } from '../runtime/plugin-supervisor.ts'
import { InlineRunner } from '../runtime/runners/inline-runner.ts'
import { errorOf, limits, memoryLog, packageOf, pluginOf } from '../testing/inline-host.ts'
import { PluginReloader, signatureOf } from './plugin-reloader.ts'
import { RouteTable } from './route-table.ts'

const locked = (provider: string, version = '1.0.0'): PluginPackage => ({
  ...packageOf(provider),
  version,
  folder: `/plugins/${provider}@${version}`,
  tree: 'sha256-1',
})
const rejected = (provider: string, reason: string): RejectedPackage => {
  const { name, version, description, folder, manifest } = locked(provider)
  return { name, version, description, folder, providers: manifest.providers, reason }
}

async function setUp(plugins: PluginPackage[], watched: string[] = []) {
  const { log, lines } = memoryLog()
  let found: FoundPlugins = { plugins, rejected: [] }
  const broken = new Set<string>()
  const runner = new InlineRunner(async ({ version, manifest: { providers } }) => {
    if (broken.has(version)) throw new Error('no such module')
    return pluginOf(providers[0] ?? '')
  })
  const supervise = (plugin: PluginPackage) => new PluginSupervisor(plugin, { runner, limits, log })
  const routes = new RouteTable(plugins.map(supervise), [])
  const find = vi.fn(async () => found)
  const signature = await signatureOf(watched)
  const reloader = new PluginReloader({ routes, find, supervise, watched, signature, leaveMs: 60_000, log })
  await Promise.all(routes.supervisors.map((supervisor) => supervisor.start()))
  onTestFinished(async () => {
    await reloader.close()
    await Promise.all(routes.supervisors.map((supervisor) => supervisor.close(0)))
  })
  const now = (next: PluginPackage[], rejectedNow: RejectedPackage[] = []) => {
    found = { plugins: next, rejected: rejectedNow }
  }
  return { routes, reloader, find, now, broken, lines }
}

const change = (kind: string, name: string, fromVersion: string, toVersion: string, reason = '') => {
  return { kind, name: `plugin-${name}`, fromVersion, toVersion, reason }
}

it('leaves alone what is the same, adds, upgrades and removes', async () => {
  const { routes, reloader, now } = await setUp([locked('A'), locked('B'), locked('C')])
  const [a] = routes.supervisors
  const before = a?.instances[0]
  now([locked('A'), locked('B', '2.0.0'), locked('D')])
  expect(await reloader.reload()).toEqual([
    change('unchanged', 'A', '1.0.0', '1.0.0'),
    change('upgraded', 'B', '1.0.0', '2.0.0'),
    change('removed', 'C', '1.0.0', ''),
    change('added', 'D', '', '1.0.0'),
  ])
  expect(a?.instances[0]).toBe(before)
  expect(routes.providers).toEqual(['A', 'B', 'D'])
  expect(await errorOf((async () => routes.supervisorFor('C'))())).toMatchObject({ reason: 'PROVIDER_UNKNOWN' })
  await vi.waitFor(() => expect(routes.leaving).toEqual([]))
})

it('hands the canary share on', async () => {
  const { routes, reloader, now } = await setUp([locked('A')])
  now([locked('A', '2.0.0')])
  expect(await reloader.reload({ canaryShare: 0.1 })).toEqual([change('canary', 'A', '1.0.0', '2.0.0')])
  expect(routes.get('plugin-A')?.canary?.share).toBe(0.1)
})

it('leaves a canary alone when a plugin folder changes, and does not put in what was withdrawn', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mcm-reload-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const lockFile = join(folder, 'lock.json')
  const { routes, reloader, now } = await setUp([locked('A')], [lockFile])
  reloader.watch()
  now([locked('A', '2.0.0')])
  await reloader.reload({ canaryShare: 0.1 })
  const canary = routes.get('plugin-A')?.canary
  now([locked('A', '2.0.0'), locked('B')])
  await writeFile(lockFile, '{}')
  await vi.waitFor(() => expect(routes.providers).toEqual(['A', 'B']), { timeout: 20_000 })
  expect(routes.get('plugin-A')?.canary).toEqual(canary)

  await canary?.instance.stop(0)
  now([locked('A', '2.0.0')])
  await writeFile(lockFile, '{ }')
  await vi.waitFor(() => expect(routes.providers).toEqual(['A']), { timeout: 20_000 })
  expect(routes.find('A')?.plugin.version).toBe('1.0.0')
  // Who asks gets it.
  expect(await reloader.reload()).toEqual([change('upgraded', 'A', '1.0.0', '2.0.0')])
})

it('ends a canary when the old version is installed again', async () => {
  const { routes, reloader, now } = await setUp([locked('A')])
  now([locked('A', '2.0.0')])
  await reloader.reload({ canaryShare: 0.1 })
  now([locked('A')])
  expect(await reloader.reload()).toEqual([change('unchanged', 'A', '1.0.0', '1.0.0')])
  expect(routes.get('plugin-A')?.canary).toBeUndefined()
  expect(routes.get('plugin-A')?.notice).toBe('2.0.0 was withdrawn: the version before was installed again')
})

it('says why a new version or a new plugin cannot be used; the old one goes on', async () => {
  const { routes, reloader, now, broken } = await setUp([locked('A')])
  broken.add('2.0.0')
  now([locked('A', '2.0.0'), locked('B', '2.0.0')])
  const [a, b] = await reloader.reload()
  expect([a?.kind, b?.kind]).toEqual(['failed', 'failed'])
  expect(a?.reason).toMatch(/^2\.0\.0 could not take over: plugin plugin-A cannot be used: Error: no such module/)
  expect(b?.reason).toMatch(/^plugin plugin-B cannot be used: Error: no such module/)
  expect(routes.find('A')?.plugin.version).toBe('1.0.0')
})

it.each([
  ['its files differ', [rejected('A', 'its files differ from the lock file')], 'its files differ from the lock file'],
  [
    'their folder cannot be read',
    [{ name: '/plugins', version: '', description: '', folder: '', providers: [], reason: 'EACCES' }],
    undefined,
  ],
])('keeps running what it has loaded when %s', async (_, unusable, reason) => {
  const { routes, reloader, now } = await setUp([locked('A')])
  now([], unusable)
  expect(await reloader.reload()).toEqual(reason ? [change('failed', 'A', '1.0.0', '1.0.0', reason)] : [])
  expect(routes.find('A')?.state.kind).toBe('ready')
  expect(routes.rejected).toEqual(unusable)
})

it('starts plugins without a lock file afresh, and failed ones', async () => {
  const unlocked = packageOf('A')
  const { routes, reloader, now, broken } = await setUp([unlocked])
  const before = routes.get('plugin-A')?.instances[0]
  expect(await reloader.reload()).toEqual([change('upgraded', 'A', '1.0.0', '1.0.0')])
  expect(routes.get('plugin-A')?.instances[0]).not.toBe(before)

  broken.add('1.0.0')
  now([unlocked, locked('B')])
  expect(await reloader.reload()).toMatchObject([{ kind: 'failed' }, { kind: 'failed' }])
  broken.delete('1.0.0')
  expect(await reloader.reload()).toEqual([
    change('upgraded', 'A', '1.0.0', '1.0.0'),
    change('upgraded', 'B', '1.0.0', '1.0.0'),
  ])
})

it('notices by itself that a plugin folder has changed, and leaves plugins without a lock file alone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mcm-reload-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const lockFile = join(folder, 'lock.json')
  const { routes, reloader, now, find } = await setUp([locked('A'), packageOf('B')], [lockFile])
  const b = routes.get('plugin-B')?.instances[0]
  now([locked('A', '2.0.0'), packageOf('B')])
  // It was not there when the host looked, and changes before the watch begins.
  await writeFile(join(folder, 'next'), '{}')
  await rename(join(folder, 'next'), lockFile)
  reloader.watch()
  await vi.waitFor(() => expect(routes.find('A')?.plugin.version).toBe('2.0.0'), { timeout: 20_000 })
  expect(routes.get('plugin-B')?.instances[0]).toBe(b)
  await reloader.close()
  find.mockClear()
  expect(await reloader.reload()).toEqual([])
  expect(find).not.toHaveBeenCalled()
})
