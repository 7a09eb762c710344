import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Machine } from '@mcm/sdk'
import { compose, tokens } from '../../host/src/composition.ts'
import { readConfig } from '../../host/src/config/config.ts'
import { ChildProcessRunner } from '../../host/src/runtime/runners/child-process-runner.ts'
import { awsClass, secret } from '../cloud/testing/aws-requests.ts'
import { FakeEc2 } from '../fake-ec2/server.ts'
import { installedBytes } from './installed-bytes.ts'

// What the AWS plugin weighs, beside a plugin that does nothing; and what 200 machines cost, against a fake EC2 in this
// process. Requests per machine must not grow with the number of machines.

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '../../..')
const empty = join(root, 'test/bench/plugin')
const aws = join(root, 'plugins/aws')
const mib = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(0)} MiB`

/** A host in this process, with one plugin in a child process. */
async function hostWith(plugin: string) {
  const config = await readConfig(undefined, {
    listen: [],
    plugins: [plugin],
    pluginDirs: [],
    log: { level: 'silent' },
  })
  const container = await compose(config)
  container.register(tokens.runner, {
    useValue: new ChildProcessRunner({ sandbox: true, memoryMiB: 512 }, join(here, 'plugin-process.js')),
  })
  const [supervisor] = container.resolve(tokens.routes).supervisors
  if (!supervisor) throw new Error(`${plugin} cannot be used; run "npm run build" first`)
  return { supervisor, driver: container.resolve(tokens.router).driver }
}

async function weight(plugin: string, provider: string) {
  const startMs = performance.now()
  const { supervisor, driver } = await hostWith(plugin)
  await supervisor.start()
  await driver.getVolumeIDs({ pvSpecs: [], provider }).catch(() => undefined)
  const ms = performance.now() - startMs
  const { memoryBytes } = supervisor.figures
  await supervisor.close(1_000)
  return { ms, memoryBytes, bytes: await installedBytes(plugin) }
}

async function weights(): Promise<void> {
  console.log(`\n${'plugin'.padEnd(34)} first answer    memory  installed`)
  for (const [name, plugin, provider] of [
    ['one that does nothing', empty, 'bench'],
    ['@mcm/plugin-aws', aws, 'AWS'],
  ] as const) {
    const rounds = []
    for (let round = 0; round < 3; round++) rounds.push(await weight(plugin, provider))
    const [, middle] = rounds.sort((a, b) => a.ms - b.ms)
    if (!middle) throw new Error('no rounds')
    const ms = `${middle.ms.toFixed(0)} ms`
    console.log(
      `${name.padEnd(34)} ${ms.padStart(12)} ${mib(middle.memoryBytes).padStart(9)} ${mib(middle.bytes).padStart(10)}`,
    )
  }
}

async function machines(count: number, atOnce: number): Promise<void> {
  await using ec2 = await FakeEc2.start()
  process.env.AWS_ENDPOINT_URL_EC2 = ec2.url
  const { supervisor, driver } = await hostWith(aws)
  await supervisor.start()
  const account = { ami: 'ami-0123456789abcdef0', subnet: 'subnet-0123456789abcdef0', group: 'sg-0123456789abcdef0' }
  const call = { machineClass: awsClass(account), secret: secret() }
  const names = Array.from({ length: count }, (_, i) => `machine-${i}`)
  const ids = new Map<string, string>()
  const machine = (name: string): Machine => {
    const providerID = ids.get(name)
    return { metadata: { name, namespace: 'default' }, spec: providerID === undefined ? {} : { providerID } }
  }
  const measure = async (what: string, times: number, run: () => Promise<unknown>) => {
    const before = ec2.actions.length
    const startMs = performance.now()
    await run()
    const seconds = (performance.now() - startMs) / 1000
    const requests = (ec2.actions.length - before) / times
    const rate = `${(times / seconds).toFixed(0)}/s`
    console.log(`${what.padEnd(34)} ${rate.padStart(12)} ${requests.toFixed(2).padStart(9)} requests each`)
  }
  console.log(`\n${count} machines, ${atOnce} at once, against a fake EC2`)
  await measure('create', count, async () => {
    await inTurns(names, atOnce, async (name) => {
      ids.set(name, (await driver.createMachine({ ...call, machine: machine(name) })).providerID)
    })
  })
  await measure('status', count, async () => {
    await inTurns(
      names,
      atOnce,
      async (name) => void (await driver.getMachineStatus({ ...call, machine: machine(name) })),
    )
  })
  await measure('list', 1, async () => {
    const { machineList } = await driver.listMachines(call)
    if (Object.keys(machineList).length !== count) throw new Error('the list is not complete')
  })
  await measure('delete', count, async () => {
    await inTurns(names, atOnce, async (name) => void (await driver.deleteMachine({ ...call, machine: machine(name) })))
  })
  await supervisor.close(1_000)
}

async function inTurns(names: readonly string[], atOnce: number, run: (name: string) => Promise<void>): Promise<void> {
  const left = [...names]
  const worker = async () => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) await run(name)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}

await weights()
await machines(20, 16)
await machines(200, 16)
