import { conformanceCases, judgeDriver, type Report } from '@mcm/sdk/conformance'
import { describe, expect, it } from 'vitest'
import { healthyDrivers } from './healthy-drivers.ts'
import { MiniCloud } from './mini-cloud.ts'
import { miniSetup, miniTarget } from './mini-setup.ts'
import { mutants } from './mutants/index.ts'

describe('a driver that does what the contract asks passes', () => {
  it.each(healthyDrivers)('$title', async ({ make, traits, tune, declares, settleSeconds, skips }) => {
    const cloud = new MiniCloud()
    tune?.(cloud)
    const setup = {
      ...miniSetup,
      declares: { ...miniSetup.declares, ...declares },
      limits: { ...miniSetup.limits, settleSeconds: settleSeconds ?? 0 },
    }
    const report = await judgeDriver({ target: miniTarget(cloud, make, traits), setup, hooks: cloud.hooks() })
    expect(wrong(report)).toEqual([])
    expect(report.verdict).toBe('conformant')
    const skipped = report.results.filter(({ kind }) => kind === 'skipped').map(({ id }) => id)
    expect(skipped.sort()).toEqual([...(skips ?? [])].sort())
    expect(report.results.flatMap(({ leftovers }) => leftovers)).toEqual([])
    expect(cloud.living()).toEqual([])
  })
})

describe('a driver that is wrong in one way fails by the right requirement', () => {
  it.concurrent.each(mutants)('$id: $title', async ({ Driver, traits, declares, fails }) => {
    const cloud = new MiniCloud()
    const target = miniTarget(cloud, (one) => new Driver(one), traits)
    const setup = { ...miniSetup, declares: { ...miniSetup.declares, ...declares } }
    const report = await judgeDriver({ target, setup, hooks: cloud.hooks() })
    expect(wrong(report).map(({ id }) => id)).toEqual(inOrder(fails))
    expect(report.verdict).toBe('not conformant')
  })

  it('has one for each requirement, and each one has a name of its own', () => {
    expect(mutants.length).toBeGreaterThanOrEqual(40)
    expect(new Set(mutants.map(({ id }) => id)).size).toBe(mutants.length)
    const killed = new Set(mutants.flatMap(({ fails }) => fails))
    expect(conformanceCases.map(({ id }) => id).filter((id) => !killed.has(id))).toEqual([])
  })
})

function wrong({ results }: Report): { id: string; message: string }[] {
  return results.flatMap((result) =>
    result.kind === 'failed' || result.kind === 'broken' ? [{ id: result.id, message: result.message }] : [],
  )
}

function inOrder(ids: readonly string[]): string[] {
  return conformanceCases.map(({ id }) => id).filter((id) => ids.includes(id))
}
