import type { ConnectedDriver } from '@mcm/sdk/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fixture } from '../contract/testing/built-program.ts'
import { type HostProcess, startHost } from '../contract/testing/host-process.ts'
import { failureOf, request } from '../contract/testing/requests.ts'

// Plugins that take more than their share, in each kind of runner that can stop them. The host and a neighbour live on.

const plugins = ['hoarding', 'flooding', 'looping', 'good'].map(fixture)

describe.each(['process', 'thread'])('in a %s', (runner) => {
  let host: HostProcess
  let driver: ConnectedDriver
  const create = (provider: string, spec = {}) => driver.createMachine(request(provider, spec, { token: 'x' }))
  const ended = (plugin: string, how: string) => ({
    code: 'Unavailable',
    source: 'plugin',
    reason: 'PLUGIN_ENDED',
    message: `plugin @mcm-fixture/${plugin} ${how} during CreateMachine; the call can be repeated safely`,
  })

  beforeAll(async () => {
    host = await startHost({ plugins, config: { stopSeconds: 0.5, isolation: { runner, memoryMiB: 320 } } })
    driver = host.connect()
  })

  afterAll(async () => {
    driver?.close()
    await host?.[Symbol.asyncDispose]()
  })

  it('serves', async () => {
    expect((await create('Good', { region: 'north' })).providerID).toBe('good:///north/m-1')
  })

  // V8 does not always stop a thread in time, and then it ends the whole process: the guide says so.
  it.runIf(runner === 'process')('a heap without end is told from a crash', async () => {
    const how = 'ran out of memory: its heap reached the limit of 128 MiB'
    expect(await failureOf(create('Hoarding', { what: 'objects' }))).toEqual(ended('hoarding', how))
  })

  // What a thread holds beside its heap is the host's.
  it.runIf(runner === 'process')('so are buffers, of which Node has no limit', async () => {
    const { message, ...failure } = await failureOf(create('Hoarding', { what: 'buffers' }))
    expect(failure).toEqual({ code: 'Unavailable', source: 'plugin', reason: 'PLUGIN_ENDED' })
    expect(message).toMatch(
      /^plugin @mcm-fixture\/hoarding ran out of memory: it held \d+ MiB of 320 MiB allowed during CreateMachine/,
    )
  })

  it('a flood of output is cut, and the host says so', async () => {
    expect((await create('Flooding', { with: 'output', times: 5000 })).nodeName).toBe('n')
    await host.log.first(({ output }) => /^… \d+ more lines within a second were dropped$/.test(String(output)))
    const passed = host.log.all.filter(({ output }) => output === 'blah').map(({ time }) => new Date(time as string))
    // Two hundred in each second that the flood took, of which the first and the last may be parts.
    const seconds = Math.ceil((Number(passed.at(-1)) - Number(passed[0])) / 1000) + 1
    expect(passed.length).toBeGreaterThanOrEqual(200)
    expect(passed.length).toBeLessThanOrEqual(200 * seconds)
  })

  it('a flood of messages ends it', async () => {
    const flood = create('Flooding', { with: 'messages', times: 1_000_000 })
    expect(await failureOf(flood)).toEqual(ended('flooding', 'flooded the host with messages'))
  })

  it('one that loops for ever is stopped with the host', async () => {
    const call = failureOf(driver.createMachine(request('Looping')))
    // It comes after the first on the same connection, so the first runs.
    expect(await failureOf(driver.deleteMachine(request('Looping')))).toMatchObject({ reason: 'MACHINE_BUSY' })
    const stopped = host.stop()
    expect(await call).toMatchObject({ code: 'Unavailable' })
    expect(await stopped).toEqual({ code: 0, signal: null })
  })
})
