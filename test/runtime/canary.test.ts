import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ConnectedDriver } from '@mcm/sdk/client'
import { PluginChangeKind } from '@mcm/sdk/contract'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type HostProcess, startHost } from '../contract/testing/host-process.ts'
import { mcm } from '../contract/testing/mcm.ts'
import { request } from '../contract/testing/requests.ts'
import { type Ledger, makeLedger } from './testing/ledger.ts'
import { type Flaw, type InstalledVersion, installVersion } from './testing/versions.ts'

// One host, which goes over to other versions when it is told to. Each test begins with what runs then.

let ledger: Ledger
let plugin: InstalledVersion
let host: HostProcess
let driver: ConnectedDriver
/** What runs at the beginning of a test, and the version that it tries. */
let old: string
let next: string
let tests = 0

beforeAll(async () => {
  ledger = await makeLedger()
  plugin = await installVersion('1.0.0')
  host = await startHost({ config: { pluginDirs: [plugin.folder], watchPlugins: false, log: { level: 'info' } } })
  driver = host.connect()
})

beforeEach(async () => {
  old = (await driver.listPlugins()).plugins[0]?.version ?? ''
  next = `1.${++tests}.0`
})

afterAll(async () => {
  driver?.close()
  await host?.[Symbol.asyncDispose]()
  await plugin?.[Symbol.asyncDispose]()
  await ledger?.[Symbol.asyncDispose]()
})

/** Versions that answered so many calls, one after the other. */
async function call(count: number): Promise<string[]> {
  const answers: string[] = []
  for (let i = 0; i < count; i++) {
    const answer = driver.createMachine(request('Recording', { ledger: ledger.path }))
    answers.push((await answer.catch(() => undefined))?.nodeName ?? 'failed')
  }
  return answers
}

async function processes(): Promise<{ version: string; pid: number }[]> {
  const { plugins } = await driver.listPlugins()
  return plugins[0]?.instances.map(({ version, pid }) => ({ version, pid })) ?? []
}

/** Version and state in `mcm plugin list`. */
async function row(): Promise<string> {
  const { stdout } = await mcm('plugin', 'list', '--endpoint', host.endpoint)
  return /^@mcm-fixture\/recording +(\S+ +Recording +.*?) {2,}\d/m.exec(stdout)?.[1]?.replace(/ {2,}/g, '  ') ?? stdout
}

describe('a version that cannot take over', () => {
  it('is refused with the reason and exit status 1, and the old one goes on', async () => {
    const running = await processes()
    await plugin.install(next, 'crashes at load')
    for (const args of [[], ['--canary', '10%']]) {
      const { code, stdout } = await mcm('plugin', 'reload', '--endpoint', host.endpoint, ...args)
      const why = `${next} could not take over: plugin @mcm-fixture/recording cannot be used: Error: ${next} was never tried`
      expect({ code, stdout: stdout.replace(/ {2,}/g, '  ') }).toEqual({
        code: 1,
        stdout: `NAME  CHANGE  FROM  TO  REASON\n@mcm-fixture/recording  failed  ${old}  ${next}  ${why}\n`,
      })
    }
    expect(await row()).toMatch(`${old}  Recording  ready; ${next} could not take over`)
    expect(await call(20)).toEqual(Array(20).fill(old))
    expect(await processes()).toEqual(running)
  })

  it.each<[Flaw, RegExp]>([
    ['says garbage', /cannot be used: talked garbage/],
    ['other contract', /cannot be used: it speaks contract 2, its package\.json says 1/],
  ])('%s', async (flaw, reason) => {
    const running = await processes()
    await plugin.install(next, flaw)
    const { changes } = await driver.reloadPlugins()
    expect(changes).toMatchObject([{ kind: PluginChangeKind.FAILED, reason: expect.stringMatching(reason) }])
    expect(await call(20)).toEqual(Array(20).fill(old))
    expect(await processes()).toEqual(running)
  })

  it('has files that differ from the lock file', async () => {
    const running = await processes()
    await appendFile(join(await plugin.install(next), 'index.js'), '// and more')
    const { changes } = await driver.reloadPlugins()
    const reason = expect.stringMatching(/^its files differ from the lock file: changed .*index\.js/)
    expect(changes).toMatchObject([{ kind: PluginChangeKind.FAILED, toVersion: next, reason }])
    expect(await call(20)).toEqual(Array(20).fill(old))
    expect(await processes()).toEqual(running)
  })
})

describe('a canary', () => {
  it('that fails three of ten calls is withdrawn by itself, with an event that names why', async () => {
    await plugin.install(next, 'fails often')
    const { code } = await mcm('plugin', 'reload', '--endpoint', host.endpoint, '--canary', '10%')
    expect({ code, row: await row() }).toEqual({ code: 0, row: `${old}  Recording  ready; 10 % to ${next}` })

    // Every tenth call is its own. With its ninth, its third failure is no bad luck any more.
    const answers = await call(90)
    const why = `3 of 9 calls (33 %) failed, of ${old} 0 of 81 calls (0 %)`
    expect(answers.filter((answer) => answer === 'failed')).toHaveLength(3)
    expect(await host.log.first(({ msg }) => msg === 'plugin canary withdrawn')).toMatchObject({
      level: 40,
      plugin: '@mcm-fixture/recording',
      version: next,
      why,
    })
    expect(await row()).toBe(`${old}  Recording  ready; ${next} was withdrawn: ${why}`)
    expect(await call(50)).toEqual(Array(50).fill(old))
    await host.log.first(({ msg, pluginVersion }) => msg === 'plugin ended' && pluginVersion === next)
    expect(await processes()).toMatchObject([{ version: old }])
  })

  it('that is as good as the old version gets all calls in the end', async () => {
    await plugin.install(next)
    expect((await driver.reloadPlugins({ canaryPercent: 50 })).changes).toMatchObject([
      { kind: PluginChangeKind.CANARY, fromVersion: old, toVersion: next },
    ])
    const answers = await call(200)
    expect(answers.filter((answer) => answer === next)).toHaveLength(100)
    expect(answers.filter((answer) => answer === old)).toHaveLength(100)
    expect(await call(10)).toEqual(Array(10).fill(next))
    await host.log.first(({ msg, pluginVersion }) => msg === 'plugin ended' && pluginVersion === old)
    expect(await processes()).toMatchObject([{ version: next }])
  })
})
