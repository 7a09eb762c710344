import type { ConnectedDriver } from '@mcm/sdk/client'
import { PluginState } from '@mcm/sdk/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fixture } from '../contract/testing/built-program.ts'
import { EventList } from '../contract/testing/event-list.ts'
import { type Gate, makeGate } from '../contract/testing/gate.ts'
import { type HostProcess, type LogEntry, startHost } from '../contract/testing/host-process.ts'
import { failureOf, request } from '../contract/testing/requests.ts'
import { misbehaviours } from '../fixtures/misbehaviours.ts'

// One host, with a neighbour that is called all the time while the others misbehave. How fast it is meanwhile is the
// business of npm run bench:neighbours.

const token = 'a-token-that-nobody-may-see'
let host: HostProcess
let driver: ConnectedDriver
let gate: Gate

const neighbour = { answers: new EventList<number>(), failures: [] as unknown[], isCalled: true }
let calls: Promise<unknown>

beforeAll(async () => {
  const plugins = ['good', ...new Set(misbehaviours.map(({ fixture }) => fixture))].map(fixture)
  const supervision = { abortGraceSeconds: 0.2 }
  host = await startHost({ plugins, config: { supervision, isolation: { memoryMiB: 320 }, log: { level: 'info' } } })
  driver = host.connect()
  gate = await makeGate()
  const call = async (caller: number) => {
    for (let i = 0; neighbour.isCalled; i++) {
      const answer = driver.createMachine(request('Good', { region: 'north' }, { token: 'fine' }, `m-${caller}-${i}`))
      await answer.then(
        () => neighbour.answers.add(neighbour.answers.all.length + 1),
        (error) => neighbour.failures.push(error),
      )
    }
  }
  calls = Promise.all([1, 2].map(call))
})

afterAll(async () => {
  neighbour.isCalled = false
  await calls
  driver?.close()
  await gate?.[Symbol.asyncDispose]()
  await host?.[Symbol.asyncDispose]()
})

async function stateOf(name: string): Promise<string> {
  const { plugins } = await driver.listPlugins()
  const plugin = plugins.find((one) => one.name === `@mcm-fixture/${name}`)
  return plugin ? (PluginState[plugin.state]?.toLowerCase() ?? '') : 'none'
}

describe('a neighbour is served while a plugin', () => {
  it.each(misbehaviours)('$does', async ({ fixture, provider, spec, deadlineMs, calls = 1, caller, operator }) => {
    const before = neighbour.answers.all.length
    const logged = host.log.all.length
    const misbehave = async () => {
      const whole = request(provider, { ...spec, ...(deadlineMs && { gate: gate.path }) }, { token })
      return await driver.createMachine(whole, deadlineMs === undefined ? {} : { deadlineMs: Date.now() + deadlineMs })
    }
    if (caller) {
      const { code, reason, message } = await failureOf(untilFailed(misbehave, calls))
      expect({ code, ...(caller.reason && { reason }) }).toEqual({
        code: caller.code,
        ...(caller.reason && { reason: caller.reason }),
      })
      expect(message).toMatch(caller.message)
    } else expect(await misbehave()).toMatchObject({ nodeName: expect.any(String) })

    const plugin = `@mcm-fixture/${fixture}`
    const isNew = (entry: LogEntry) => host.log.all.indexOf(entry) >= logged
    const { log, state } = operator
    if (log) await host.log.first((entry) => entry.msg === log && entry.plugin === plugin && isNew(entry))
    // Some of the table are the same plugin, which has used up its budget with the third.
    expect(state === 'stopped' ? ['stopped', 'quarantined'] : [state]).toContain(await stateOf(fixture))
    // Some are done with it before the neighbour has answered once.
    await neighbour.answers.first((answered) => answered > before)
    expect(neighbour.failures).toEqual([])
  })

  it('and nobody has seen the secret', () => {
    expect(host.stderr()).not.toContain(token)
  })
})

/** Calls until a call fails, or so many times. */
async function untilFailed<T>(call: () => Promise<T>, times: number): Promise<T> {
  let answer = await call()
  for (let i = 1; i < times; i++) answer = await call()
  return answer
}
