import { afterEach, beforeEach, expect, it } from 'vitest'
import { pluginAndCompute } from './testing/plugin-and-compute.ts'

let world: Awaited<ReturnType<typeof pluginAndCompute>>
beforeEach(async () => {
  world = await pluginAndCompute()
})
afterEach(async () => await world[Symbol.asyncDispose]())

async function requests(run: () => Promise<unknown>): Promise<number> {
  world.fake.journal.length = 0
  await run()
  return world.fake.journal.filter(({ action }) => action !== 'token').length
}

it('makes and removes 20 machines at once, each twice asked for, and one VM each', async () => {
  const names = Array.from({ length: 20 }, (_, i) => `m-${i}`)
  const create = async (name: string) => await world.driver.createMachine(world.call(name))
  await Promise.all(names.map(create))
  await Promise.all(names.map(create))
  const { machineList } = await world.driver.listMachines(world.classCall())
  expect(Object.values(machineList).sort()).toEqual([...names].sort())
  expect(world.fake.cloud.instances).toHaveLength(20)
  await Promise.all(names.map(async (name) => await world.driver.deleteMachine(world.call(name))))
  expect(world.fake.cloud.instances).toEqual([])
})

it('asks Compute as often for each of 200 machines as for one', async () => {
  const names = Array.from({ length: 200 }, (_, i) => `m-${i}`)
  const all = async (run: (call: ReturnType<typeof world.call>) => Promise<unknown>) => {
    return await requests(() => Promise.all(names.map(async (name) => await run(world.call(name)))))
  }
  expect(await all((call) => world.driver.createMachine(call))).toBe(200 * 2)
  expect(await all((call) => world.driver.getMachineStatus(call))).toBe(200)
  expect(await requests(() => world.driver.listMachines(world.classCall()))).toBe(1)
  expect(await all((call) => world.driver.deleteMachine(call))).toBe(200 * 3)
  // What Compute would ignore: the plugin sends nothing that is output only.
  expect(world.fake.journal.flatMap(({ ignored }) => ignored)).toEqual([])
})
