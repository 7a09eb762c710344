import { expect, it } from 'vitest'
import { fixture } from '../contract/testing/built-program.ts'
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
  expect(await failure).toMatchObject({ code: 'Unavailable' })
  // The plugin's connection to the gate ends with its process.
  await gate.left()
})

it('a plugin that forgets a timer and a server ends with its host', async () => {
  await using host = await startHost({ plugins: [fixture('leaking')] })
  const driver = host.connect()
  const { plugins } = await driver.listPlugins()
  driver.close()
  expect(await host.stop()).toEqual({ code: 0, signal: null })
  expect(() => process.kill(plugins[0]?.pid ?? 0, 0)).toThrow('ESRCH')
})
