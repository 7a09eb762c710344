import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { awsCases, awsWorld } from './aws-world.ts'

let world: Awaited<ReturnType<typeof awsWorld>>
beforeAll(async () => {
  world = await awsWorld()
})
afterAll(async () => await world[Symbol.asyncDispose]())

// Those in which nothing is waited for or repeated. npm run test:cloud plays all.
const quick = awsCases.filter(({ id, group, input }) => {
  return !/-(code|error)$/.test(group) && input.consistencyWaitMs === undefined && id !== 'create-no-dns'
})

describe('the recorded conversations of the Go provider', () => {
  it.each(quick)('$id: $title', async (recorded) => {
    expect((await world.judge(recorded)).unexplained.join('\n')).toBe('')
  })
})
