import { type CaseResult, type ConformanceSetup, type Hooks, judgeDriver, type Report } from '@mcm/sdk/conformance'
import { describe, expect, it } from 'vitest'
import { junitReport } from '../../sdk/src/conformance/cli/junit.ts'
import { peopleReport } from '../../sdk/src/conformance/cli/people.ts'
import { healthyDrivers } from './healthy-drivers.ts'
import { MiniCloud } from './mini-cloud.ts'
import { MiniDriver } from './mini-driver.ts'
import { miniSetup, miniTarget } from './mini-setup.ts'
import { mutants } from './mutants/index.ts'

async function judge(
  Driver: new (cloud: MiniCloud) => MiniDriver,
  setup: Partial<ConformanceSetup> = {},
  options: { ids?: string[]; hooks?: Hooks; cloud?: MiniCloud; isSilent?: boolean } = {},
): Promise<Report> {
  const { cloud = new MiniCloud(), hooks = cloud.hooks(), ids, isSilent } = options
  const { describe: _, ...silent } = miniTarget(cloud, (one) => new Driver(one))
  const target = isSilent ? silent : miniTarget(cloud, (one) => new Driver(one))
  return await judgeDriver({ target, setup: { ...miniSetup, ...setup }, hooks, ...(ids && { ids }) })
}

function mutant(id: string) {
  const found = mutants.find((one) => one.id === id)
  if (!found) throw new Error(`there is no mutant ${id}`)
  return found.Driver
}

function only<K extends CaseResult['kind']>(report: Report, kind: K): Extract<CaseResult, { kind: K }>[] {
  return report.results.filter((result): result is Extract<CaseResult, { kind: K }> => result.kind === kind)
}

describe('the verdict', () => {
  it('is conformant for the profile core without any hook, and says what was not asked for', async () => {
    const report = await judge(MiniDriver, { profile: 'core' }, { hooks: {} })
    expect(report).toMatchObject({ verdict: 'conformant', missing: [], profile: 'core' })
    const skipped = only(report, 'skipped')
    expect(skipped.map(({ reason }) => reason.kind)).toEqual(skipped.map(() => 'profile'))
    expect(skipped.map(({ id }) => id)).toContain('fault-throttled')
  })

  it('survives a driver that fails before its call is cancelled', async () => {
    class Hasty extends MiniDriver {
      override async createMachine(): Promise<never> {
        throw new Error('at once')
      }
    }
    const report = await judge(Hasty, {}, { ids: ['cancel-observed'] })
    expect(report.verdict).toBe('not conformant')
    expect(only(report, 'failed').map(({ id }) => id)).toEqual(['cancel-observed'])
  })

  it('is incomplete for the profile full without hooks', async () => {
    const report = await judge(MiniDriver, {}, { hooks: {} })
    expect(report.verdict).toBe('incomplete')
    expect(report.missing).toContain('cancel-observed: no hook can make the cloud fail so: hang')
  })

  it('is incomplete when the configuration leaves out what a case needs', async () => {
    const { otherCluster: _, ...setup } = miniSetup
    const cloud = new MiniCloud()
    const target = miniTarget(cloud, (one) => new MiniDriver(one))
    const report = await judgeDriver({ target, setup, hooks: cloud.hooks() })
    expect(report.verdict).toBe('incomplete')
    expect(report.missing).toEqual([
      'delete-leaves-other-cluster: the configuration says nothing about otherCluster',
      'list-excludes-other-cluster: the configuration says nothing about otherCluster',
    ])
  })

  it('is incomplete when only some cases were chosen', async () => {
    const report = await judge(MiniDriver, {}, { ids: ['create-repeated'] })
    expect(report.verdict).toBe('incomplete')
    expect(only(report, 'passed').map(({ id }) => id)).toEqual(['create-repeated'])
  })

  it('is incomplete when a hook fails, which is nobody but the hook to blame for', async () => {
    const vms = async () => await Promise.reject(new Error('no VPN'))
    const report = await judge(MiniDriver, {}, { ids: ['delete-removes'], hooks: { vms } })
    expect(only(report, 'broken')).toMatchObject([{ id: 'delete-removes', message: 'a hook failed: vms: no VPN' }])
    expect(report.verdict).toBe('incomplete')
  })

  it('lets a list of known failures only shrink', async () => {
    const knownFailures = { 'name-63-characters': 'issue 7', 'create-repeated': 'issue 8' }
    const report = await judge(mutant('cuts-names'), { knownFailures })
    expect(only(report, 'failed')).toMatchObject([{ id: 'name-63-characters', isKnown: true }])
    expect(only(report, 'unexpectedly-passed')).toMatchObject([{ id: 'create-repeated' }])
    expect(report.verdict).toBe('not conformant')
    const { 'create-repeated': _, ...shrunk } = knownFailures
    const later = await judge(mutant('cuts-names'), { knownFailures: shrunk })
    expect(later.missing).toEqual(['name-63-characters: is known to fail'])
    expect(later.verdict).toBe('incomplete')
  })
})

it('asks a driver that does not say what it has', async () => {
  const minimal = healthyDrivers.find(({ title }) => title === 'with the mandatory methods only')
  const cloud = new MiniCloud()
  const { describe: _, ...target } = miniTarget(cloud, (one) => minimal?.make(one) ?? new MiniDriver(one))
  const report = await judgeDriver({ target, setup: miniSetup, hooks: cloud.hooks() })
  expect(report.driver).toBeUndefined()
  expect(report.verdict).toBe('conformant')
  const skipped = only(report, 'skipped').map(({ id }) => id)
  expect(skipped.sort()).toEqual([...(minimal?.skips ?? []), 'plugin-listed', 'capabilities-true'].sort())
})

it('deletes what it has made when it is stopped, and runs no further case', async () => {
  const cloud = new MiniCloud()
  const stopped = new AbortController()
  class Stopping extends MiniDriver {
    override async createMachine(...args: Parameters<MiniDriver['createMachine']>) {
      const vm = await super.createMachine(...args)
      stopped.abort()
      return vm
    }
  }
  const target = miniTarget(cloud, (one) => new Stopping(one))
  const report = await judgeDriver({ target, setup: miniSetup, hooks: cloud.hooks(), signal: stopped.signal })
  expect(cloud.vms.size).toBe(1)
  expect(cloud.living()).toEqual([])
  expect(report.verdict).toBe('incomplete')
  expect(only(report, 'passed').map(({ id }) => id)).toEqual(['plugin-listed', 'capabilities-true'])
  expect(new Set(only(report, 'skipped').map(({ reason }) => reason.kind))).toEqual(new Set(['aborted']))
})

it('says what it could not delete', async () => {
  class Stubborn extends MiniDriver {
    override async deleteMachine(): Promise<never> {
      throw new Error('never')
    }
  }
  const report = await judge(Stubborn, {}, { ids: ['provider-id-form'] })
  expect(report.results.flatMap(({ leftovers }) => leftovers)).toEqual([expect.stringMatching(/^c\w{6}-4-1: never$/)])
})

describe('a failure', () => {
  it('says what is required, where that stands, what was sent, what came back, and what to do', async () => {
    const report = await judge(mutant('cuts-names'), {}, { ids: ['name-63-characters'] })
    const text = peopleReport(report)
    for (const part of [
      'name-63-characters: Machine names of 63 characters\n',
      'required     Machine names of 63 characters work, and two that differ',
      'source       Kubernetes, names of objects; driver contract, Machine\n',
      'found        both have the same VM\n',
      'sent         createMachine {"machine":{"metadata":{"name":"c',
      'came back    {"providerID":"mini:///region/i-1"',
      'what to do   Keep the name whole',
      'NOT CONFORMANT: mini 1.0.0 (provider mini), contract 1, profile full',
    ])
      expect(text).toContain(part)
  })

  it('never shows a secret, not even one that the driver has shown', async () => {
    const report = await judge(mutant('token-in-error'), {}, { ids: ['secrets-stay-secret'] })
    expect(only(report, 'failed')).toMatchObject([{ message: expect.stringContaining('refused: ***') }])
    for (const text of [JSON.stringify(report), peopleReport(report), junitReport(report)]) {
      expect(text).not.toContain('secret0key')
      expect(text).not.toContain('wrong-token-')
    }
  })

  it('is XML that a CI reads, whatever it says', async () => {
    class Odd extends MiniDriver {
      override async createMachine(): Promise<never> {
        throw new Error('<b>"a" & \u0007b</b>')
      }
    }
    const report = await judge(Odd, {}, { ids: ['provider-id-form'] })
    const xml = junitReport(report)
    expect(xml).toContain('failures="1" errors="0" skipped="')
    expect(xml).toContain('Internal: &lt;b&gt;&quot;a&quot; &amp; �b&lt;/b&gt;"')
    expect(xml).toContain('<testcase classname="conformance.mini" name="plugin-listed"')
  })
})
