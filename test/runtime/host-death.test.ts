import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitFor } from '@mcm/sdk'
import { expect, it, onTestFinished } from 'vitest'
import { fixture } from '../contract/testing/built-program.ts'
import { fixtureVariant } from '../contract/testing/fixture-variant.ts'
import { makeGate } from '../contract/testing/gate.ts'
import { startHost } from '../contract/testing/host-process.ts'
import { failureOf, request } from '../contract/testing/requests.ts'

it.each(['slow', 'stubborn'])('a host that is killed leaves no %s plugin behind', async (name) => {
  await using gate = await makeGate()
  await using host = await startHost({ plugins: [fixture(name)] })
  await using driver = host.connect()
  const provider = name === 'slow' ? 'Slow' : 'Stubborn'
  const failure = failureOf(driver.createMachine(request(provider, { gate: gate.path })))
  await gate.arrived()
  host.process.kill('SIGKILL')
  using _ = timeOfLife(`a ${name} plugin`)
  expect(await failure).toMatchObject({ code: 'Unavailable' })
  // The plugin's connection to the gate ends with its process.
  await gate.left()
})

it('a host that is killed leaves no plugin behind whose event loop is stuck', async () => {
  await using host = await startHost({ plugins: [fixture('looping')] })
  await using driver = host.connect()
  const { plugins } = await driver.listPlugins()
  const pid = plugins[0]?.pid ?? 0
  onTestFinished(() => {
    if (isRunning(pid)) process.kill(pid, 'SIGKILL')
  })
  const failure = failureOf(driver.createMachine(request('Looping')))
  await host.log.first(({ output }) => output === 'looping')
  host.process.kill('SIGKILL')
  using _ = timeOfLife('a stuck plugin')
  expect(await failure).toMatchObject({ code: 'Unavailable' })
  await waitFor(() => (isRunning(pid) ? undefined : true), {
    signal: AbortSignal.timeout(30_000),
    what: 'the end of the plugin',
    maxIntervalMs: 100,
  })
})

it('a plugin that forgets a timer and a server ends with its host', async () => {
  await using host = await startHost({ plugins: [fixture('leaking')] })
  const driver = host.connect()
  const { plugins } = await driver.listPlugins()
  driver.close()
  expect(await host.stop()).toEqual({ code: 0, signal: null })
  expect(() => process.kill(plugins[0]?.pid ?? 0, 0)).toThrow('ESRCH')
})

it('a host that is killed leaves no program of a plugin behind, and the next one clears its folders away', async () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcm-death-')))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const plugin = fixtureVariant(folder, 'reaching', { provider: 'Starter', permissions: { programs: ['node'] } })
  const start = async () => await startHost({ plugins: [plugin], env: { TMPDIR: folder } })
  await using host = await start()
  await using driver = host.connect()
  const attempt = async (name: string) => {
    return (await driver.createMachine(request('Starter', { attempt: name }))).nodeName
  }
  const program = Number(await attempt('startProgram'))
  const scratch = JSON.parse(await attempt('scratch')).folder
  host.process.kill('SIGKILL')
  await host.exited
  await waitFor(() => (isRunning(program) ? undefined : true), {
    signal: AbortSignal.timeout(30_000),
    what: 'the end of the program',
    maxIntervalMs: 100,
  })
  expect(existsSync(scratch)).toBe(true)
  await using _next = await start()
  expect(existsSync(scratch)).toBe(false)
})

/** Prints how long a plugin lived after its host. Two seconds are promised; a machine that is busy is no failure. */
function timeOfLife(what: string): Disposable {
  const start = performance.now()
  return {
    [Symbol.dispose]: () => console.log(`${what} lived ${Math.round(performance.now() - start)} ms after its host`),
  }
}

/** A process that has ended stays in the list until its new parent has looked at it, which can take seconds. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ')
  } catch {
    // Gone meanwhile, or not Linux: the next look tells.
    return true
  }
}
