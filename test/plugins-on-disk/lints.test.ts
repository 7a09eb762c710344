import { expect, it } from 'vitest'
import { fixture } from '../contract/testing/built-program.ts'
import { startHost } from '../contract/testing/host-process.ts'
import { failureOf, request } from '../contract/testing/requests.ts'

const lints = [
  "lint: it replaces JSON.parse: other libraries in the process rely on these. Wrap, don't patch",
  'lint: it prints: lines have no level, method and machine there. Log with context.logger',
  'lint: createMachine waits, but never looks at context.signal: a cancelled call goes on, and keeps its machine busy. Hand the signal to everything that waits',
  'lint: deleteMachine threw RangeError (nobody told me), which is no MachineError: callers see Internal, and blame on the plugin. Throw MachineError with a code, and the error as its cause',
]

it.each([true, false])('a careless plugin is told so, where that was asked for: %s', async (isAsked) => {
  const plugins = [fixture('careless')]
  await using host = await startHost({ plugins, ...(isAsked && { args: ['--lint'] }) })
  await using driver = host.connect()
  expect((await driver.createMachine(request('Careless'))).nodeName).toBe('n')
  expect(await failureOf(driver.deleteMachine(request('Careless')))).toMatchObject({ code: 'Internal' })
  // Written when the call that it is about has ended.
  await host.log.first(({ msg, plugin }) => msg === 'call failed' && plugin === '@mcm-fixture/careless')
  if (isAsked) for (const lint of lints) await host.log.first(({ msg }) => msg === lint)
  await host.stop()
  const said = host.log.all.map(({ msg }) => msg).filter((msg) => msg.startsWith('lint: '))
  expect(said.toSorted()).toEqual(isAsked ? lints.toSorted() : [])
})
