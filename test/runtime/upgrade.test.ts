import { type ClientReadableStream, credentials, loadPackageDefinition } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import type { ConnectedDriver } from '@mcm/sdk/client'
import { PluginChangeKind } from '@mcm/sdk/contract'
import { protoPath } from 'grpc-health-check'
import { expect, it } from 'vitest'
import { makeGate } from '../contract/testing/gate.ts'
import { type HostProcess, type LogEntry, startHost } from '../contract/testing/host-process.ts'
import { request } from '../contract/testing/requests.ts'
import { makeLedger } from './testing/ledger.ts'
import { installVersion } from './testing/versions.ts'

const callers = 64
const calls = 10_000
const upgrades = 5

it('64 callers, 10,000 calls, five upgrades: no call fails, none runs twice, and no version comes back', async () => {
  await using ledger = await makeLedger()
  await using gate = await makeGate()
  await using plugin = await installVersion('1.0.0')
  await using host = await startHost({ config: { pluginDirs: [plugin.folder], log: { level: 'info' } } })
  await using driver = host.connect()
  using health = watchHealth(host, 'Recording')

  // What a caller was answered before its next call began is the least that it may be answered then.
  let newest = 0
  const call = async (machine: string, run: (machine: string) => Promise<string | undefined>) => {
    const least = newest
    const version = Number.parseInt((await run(machine)) ?? '', 10)
    expect(version).toBeGreaterThanOrEqual(least)
    newest = Math.max(newest, version)
    return version
  }
  const one = (i: number, spec: object) => {
    const of = (name: string) => request('Recording', { ledger: ledger.path, ...spec }, {}, name)
    if (i % 3 === 0) return call(`status-${i}`, async (name) => (await driver.getMachineStatus(of(name))).nodeName)
    if (i % 3 === 1) return call(`create-${i}`, async (name) => (await driver.createMachine(of(name))).nodeName)
    return call(`delete-${i}`, async (name) => (await driver.deleteMachine(of(name))).lastKnownState)
  }
  // These go on while versions come and go.
  const held = [1, 2, 3].map((i) => create(driver, `held-${i}`, { ledger: ledger.path, gate: gate.path }))
  await gate.arrived(held.length)

  let begun = 0
  let answered = 0
  let upgraded = 0
  const reached: { calls: number; resolve(): void }[] = []
  const callMany = async () => {
    while (begun < calls || upgraded < upgrades) {
      const i = begun++
      await one(i, i % 7 === 0 ? { workMs: (i % 5) * 10 } : {})
      answered++
      for (const { calls, resolve } of reached) if (answered >= calls) resolve()
    }
  }
  const afterCalls = (calls: number) => new Promise<void>((resolve) => reached.push({ calls, resolve }))
  const upgrade = async () => {
    for (; upgraded < upgrades; upgraded++) {
      await afterCalls(Math.ceil((calls / (upgrades + 1)) * (upgraded + 1)))
      const version = `${upgraded + 2}.0.0`
      await plugin.install(version)
      // Some that the host notices by itself, and some that it is told of.
      if (upgraded % 3 === 0) {
        await host.log.first(({ msg, version: to }) => msg === 'plugin upgraded' && to === version)
      } else {
        const [change] = (await driver.reloadPlugins()).changes
        // Unchanged, where the host was faster to notice by itself.
        expect([PluginChangeKind.UPGRADED, PluginChangeKind.UNCHANGED]).toContain(change?.kind)
        expect(change?.toVersion).toBe(version)
      }
    }
  }
  await Promise.all([upgrade(), ...Array.from({ length: callers }, callMany)])
  expect(newest).toBe(upgrades + 1)

  // Those in between have gone, and who was held is answered by who had it.
  const left = async (version: string) =>
    await host.log.first(({ msg, pluginVersion }) => msg === 'plugin ended' && pluginVersion === version)
  const ends = await Promise.all(['2.0.0', '3.0.0', '4.0.0', '5.0.0'].map(left))
  const { plugins } = await driver.listPlugins()
  expect(plugins[0]?.instances.map(({ version, running }) => ({ version, running }))).toEqual([
    { version: '6.0.0', running: 0 },
    { version: '1.0.0', running: held.length },
  ])
  gate.open()
  expect(await Promise.all(held)).toEqual(held.map(() => '1.0.0'))
  ends.push(await left('1.0.0'))

  // Each call that was made has run once, and nothing else has.
  const runs = ledger.entries.all.map(({ machine }) => machine)
  const made = Array.from({ length: begun }, (_, i) => `${['status', 'create', 'delete'][i % 3]}-${i}`)
  expect(begun).toBeGreaterThanOrEqual(calls)
  expect(runs.sort()).toEqual([...made, 'held-1', 'held-2', 'held-3'].sort())

  // Each version was one process. All but the last are gone, by themselves: nobody had to be killed.
  const pids = new Map(ledger.entries.all.map(({ version, pid }) => [pid, version]))
  expect([...pids.values()].sort()).toEqual(['1.0.0', '2.0.0', '3.0.0', '4.0.0', '5.0.0', '6.0.0'])
  for (const [pid, version] of pids) {
    if (version === '6.0.0') continue
    expect(ends.find((end) => end.pid === pid)).toMatchObject({ pluginVersion: version, cause: 'exited with code 0' })
    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
  }
  expect(health.statuses).toEqual(['SERVING'])
  expect(host.log.all.filter(isTrouble)).toEqual([])
})

const isTrouble = ({ level }: LogEntry) => Number(level) > 30

async function create(driver: ConnectedDriver, name: string, spec: Record<string, string>): Promise<string> {
  return (await driver.createMachine(request('Recording', spec, {}, name))).nodeName
}

/** Every status that a service has had since now. */
function watchHealth(host: HostProcess, service: string): Disposable & { statuses: string[] } {
  const loaded = loadPackageDefinition(loadSync(protoPath, { enums: String })) as never as {
    grpc: { health: { v1: { Health: new (endpoint: string, c: unknown) => HealthClient } } }
  }
  const client = new loaded.grpc.health.v1.Health(host.endpoint, credentials.createInsecure())
  const statuses: string[] = []
  const stream = client.watch({ service })
  stream.on('data', ({ status }: { status: string }) => statuses.push(status))
  stream.on('error', () => {})
  return {
    statuses,
    [Symbol.dispose]() {
      stream.cancel()
      client.close()
    },
  }
}

interface HealthClient {
  watch(request: { service: string }): ClientReadableStream<unknown>
  close(): void
}
