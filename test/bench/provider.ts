import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Machine, MachineClass, Secret } from '@mcm/sdk'
import { compose, tokens } from '../../host/src/composition.ts'
import { readConfig } from '../../host/src/config/config.ts'
import { ChildProcessRunner } from '../../host/src/runtime/runners/child-process-runner.ts'
import { installedBytes } from './installed-bytes.ts'

// What the plugin of a cloud weighs, and what machines cost with it, through a host as it ships.

const here = dirname(fileURLToPath(import.meta.url))
// From where run.mjs puts these programs: node_modules/.cache/mcm-bench.
const root = join(here, '../../..')
const atOnce = 16

/** The plugin of a cloud. */
export interface Subject {
  name: string
  /** Within the project. */
  folder: string
  provider: string
  /** What the configuration of the host says of it. */
  config?: Record<string, unknown>
}

/** A cloud in this process. */
export interface Cloud {
  machineClass: MachineClass
  secret: Secret
  /** How many requests it has had. */
  requests(): number
}

/** Prints what a plugin weighs, beside one that does nothing: start to first answer, memory, installed size. */
export async function weigh(subject: Subject): Promise<void> {
  console.log(`\n${'plugin'.padEnd(34)} first answer    memory  installed`)
  for (const one of [empty, subject]) {
    const rounds = []
    for (let round = 0; round < 3; round++) rounds.push(await weightOf(one))
    const [, middle] = rounds.sort((a, b) => a.ms - b.ms)
    if (!middle) throw new Error('no rounds')
    const figures = [`${middle.ms.toFixed(0)} ms`.padStart(12), mib(middle.memoryBytes), mib(middle.installedBytes)]
    console.log(`${one.name.padEnd(34)} ${figures.join(' ')}`)
  }
}

const empty: Subject = { name: 'one that does nothing', folder: 'test/bench/plugin', provider: 'bench' }

/** Prints what it costs to make, see, list and delete machines: throughput, and requests for each. */
export async function liveWith(subject: Subject, cloud: Cloud, count: number): Promise<void> {
  const { supervisor, driver } = await hostWith(subject)
  await supervisor.start()
  const { machineClass, secret } = cloud
  const names = Array.from({ length: count }, (_, i) => `machine-${i}`)
  const ids = new Map<string, string>()
  const call = (name: string) => {
    const providerID = ids.get(name)
    const spec = providerID === undefined ? {} : { providerID }
    const machine: Machine = { metadata: { name, namespace: 'default' }, spec }
    return { machine, machineClass, secret }
  }
  const measure = async (what: string, times: number, run: () => Promise<unknown>) => {
    const before = cloud.requests()
    const startMs = performance.now()
    await run()
    const seconds = (performance.now() - startMs) / 1000
    const each = (cloud.requests() - before) / times
    console.log(
      `${what.padEnd(34)} ${`${(times / seconds).toFixed(0)}/s`.padStart(12)} ${each.toFixed(2).padStart(9)} requests each`,
    )
  }
  console.log(`\n${subject.name}: ${count} machines, ${atOnce} at once, against a fake cloud`)
  const createOne = async (name: string) => void ids.set(name, (await driver.createMachine(call(name))).providerID)
  await measure('create', count, async () => await inTurns(names, createOne))
  await measure('status', count, async () => await inTurns(names, (name) => driver.getMachineStatus(call(name))))
  await measure('list', 1, async () => {
    const { machineList } = await driver.listMachines({ machineClass, secret })
    if (Object.keys(machineList).length !== count) throw new Error('the list is not complete')
  })
  await measure('delete', count, async () => await inTurns(names, (name) => driver.deleteMachine(call(name))))
  await supervisor.close(1_000)
}

/** A host in this process, with one plugin in a child process. */
async function hostWith({ folder, config = {} }: Subject) {
  const plugins = [join(root, folder)]
  const read = await readConfig(undefined, { listen: [], plugins, pluginDirs: [], log: { level: 'silent' }, ...config })
  const container = await compose(read)
  container.register(tokens.runner, {
    useValue: new ChildProcessRunner({ sandbox: true, memoryMiB: 512 }, join(here, 'plugin-process.js')),
  })
  const [supervisor] = container.resolve(tokens.routes).supervisors
  if (!supervisor) throw new Error(`${folder} cannot be used; run "npm run build" first`)
  return { supervisor, driver: container.resolve(tokens.router).driver }
}

async function weightOf(subject: Subject) {
  const startMs = performance.now()
  const { supervisor, driver } = await hostWith(subject)
  await supervisor.start()
  // The plugin that does nothing has no such method, which is an answer too.
  await driver.getVolumeIDs({ pvSpecs: [], provider: subject.provider }).catch(() => undefined)
  const ms = performance.now() - startMs
  const { memoryBytes } = supervisor.figures
  await supervisor.close(1_000)
  return { ms, memoryBytes, installedBytes: await installedBytes(join(root, subject.folder)) }
}

async function inTurns(names: readonly string[], run: (name: string) => Promise<unknown>): Promise<void> {
  const left = [...names]
  const worker = async () => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) await run(name)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(0)} MiB`.padStart(10)
}
