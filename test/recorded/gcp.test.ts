import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { gcpCases, gcpWorld } from './gcp-world.ts'

let world: Awaited<ReturnType<typeof gcpWorld>>
beforeAll(async () => {
  world = await gcpWorld()
})
afterAll(async () => await world[Symbol.asyncDispose]())

// Those in which nothing is waited for or repeated. npm run test:cloud plays all.
const quick = gcpCases.filter(({ group }) => /^(validation|credentials|volumes|status|list|initialize)$/.test(group))

describe('the recorded conversations of the Go provider', () => {
  it.each(quick)('$id: $title', async (recorded) => {
    expect((await world.judge(recorded)).unexplained.join('\n')).toBe('')
  })
})
