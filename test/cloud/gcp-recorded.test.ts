import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { gcpDifferences } from '../recorded/gcp-differences.ts'
import { gcpCases, gcpWorld } from '../recorded/gcp-world.ts'
import type { KnownDifference, Verdict } from '../recorded/verdict.ts'

let world: Awaited<ReturnType<typeof gcpWorld>>
beforeAll(async () => {
  world = await gcpWorld()
})
afterAll(async () => await world[Symbol.asyncDispose]())

describe('the recorded conversations of the Go provider, all of them', () => {
  const counts: Record<Verdict, number> = { equal: 0, better: 0, different: 0, unexplained: 0 }
  const used = new Set<KnownDifference>()

  it.each(gcpCases)('$id: $title', async (recorded) => {
    const found = await world.judge(recorded)
    counts[found.verdict]++
    for (const reason of found.used) used.add(reason)
    expect(found.unexplained.join('\n')).toBe('')
  })

  it('are there, and every known difference shows in one', () => {
    console.log(`of ${gcpCases.length} conversations: ${JSON.stringify(counts)}`)
    expect(gcpCases).toHaveLength(247)
    expect(gcpDifferences.filter((known) => !used.has(known)).map(({ what }) => what)).toEqual([])
  })
})
