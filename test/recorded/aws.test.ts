import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { inlineRouter } from '../../host/src/testing/inline-host.ts'
import plugin from '../../plugins/aws/src/index.ts'
import { awsDifferences } from './aws-differences.ts'
import { differences } from './compare.ts'
import { extraReply } from './extra-replies.ts'
import { play } from './play.ts'
import { type RecordedCase, readCases } from './recorded-case.ts'
import { ReplayServer } from './replay-server.ts'
import { judge, type KnownDifference, type Verdict } from './verdict.ts'

const cases = readCases('aws')
const base = cases.find(({ id }) => id === 'create-base')

let server: ReplayServer
const endpoints = ['AWS_ENDPOINT_URL_EC2', 'AWS_ENDPOINT_URL_STS']
beforeAll(async () => {
  server = await ReplayServer.start()
  for (const name of endpoints) process.env[name] = server.url
})
afterAll(async () => {
  for (const name of endpoints) delete process.env[name]
  await server.close()
})

/** Each case gets a host of its own: circuits and clients of one must not change another. */
async function differencesIn(recorded: RecordedCase): Promise<string[]> {
  if (!base) throw new Error('there is no case create-base')
  server.replay(recorded, extraReply(recorded, base))
  const { driver, supervisors } = inlineRouter([plugin])
  try {
    return differences(recorded, await play(driver, recorded, server))
  } finally {
    await Promise.all(supervisors.map((supervisor) => supervisor.close(0)))
  }
}

describe('the recorded conversations of the Go provider', () => {
  const counts: Record<Verdict, number> = { equal: 0, better: 0, different: 0, unexplained: 0 }
  const used = new Set<KnownDifference>()

  it.each(cases)('$id: $title', async (recorded) => {
    const found = judge(recorded.id, await differencesIn(recorded), awsDifferences)
    counts[found.verdict]++
    for (const reason of found.used) used.add(reason)
    expect(found.unexplained.join('\n')).toBe('')
  })

  it('are all there, and every known difference shows in one', () => {
    console.log(`of ${cases.length} conversations: ${JSON.stringify(counts)}`)
    expect(cases).toHaveLength(359)
    expect(awsDifferences.filter((known) => !used.has(known)).map(({ what }) => what)).toEqual([])
  })
})
