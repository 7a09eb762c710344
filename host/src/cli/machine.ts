import { type Machine, type MachineClass, MachineError, type Secret } from '@mcm/sdk'
import type { ConnectedDriver } from '@mcm/sdk/client'
import type { DriverCalls } from '@mcm/sdk/contract'
import type { Command } from 'commander'
import { CliError } from './cli-error.ts'
import { type ClientOptions, connect, deadline, withClientOptions } from './client.ts'
import { classOf, type Located, type Manifests, readManifests, secretOf } from './manifests.ts'
import { type Column, render } from './output.ts'

/** `mcm machine …`: drives a host from Kubernetes YAML, without a cluster. */
export function addMachineCommands(program: Command): void {
  const machine = program
    .command('machine')
    .description('make, look at and remove machines through a host, from Kubernetes YAML')
  const about = {
    create: 'make the VM of each Machine in the files, or adopt it',
    initialize: 'do what is to be done once after creation',
    status: 'find the VM of each Machine in the files',
    delete: 'remove the VM of each Machine in the files, and all that belongs to it',
  } as const
  for (const [action, description] of Object.entries(about)) {
    withClientOptions(machine.command(action).argument('[names...]', 'only these Machines').description(description))
      .requiredOption('-f, --filename <path>', filesHelp, collect)
      .action(async (names: string[], options: FileOptions) => await runOnMachines(action as Action, names, options))
  }
  withClientOptions(
    machine.command('list').description('list the VMs of the cluster of each MachineClass in the files'),
  )
    .requiredOption('-f, --filename <path>', filesHelp, collect)
    .action(async (options: FileOptions) => await listMachines(options))
}

type FileOptions = ClientOptions & { filename: string[] }
type Action = keyof typeof actions

/** One line of the output. */
interface Result {
  name: string
  namespace: string
  result: string
  providerID?: string
  nodeName?: string
  addresses?: { type: string; address: string }[]
  error?: { code: string; message: string; reason?: string; retry: string; retryAfterMs?: number }
}

const filesHelp = 'file, folder or - with MachineClass, Secret and Machine (repeatable)'
const collect = (value: string, previous: string[] = []) => [...previous, value]

const actions = {
  create: { method: 'createMachine', done: 'created' },
  initialize: { method: 'initializeMachine', done: 'initialized' },
  status: { method: 'getMachineStatus', done: 'found' },
  delete: { method: 'deleteMachine', done: 'deleted' },
} as const

const columns: Column<Result>[] = [
  { title: 'NAME', value: ({ name }) => name },
  { title: 'NAMESPACE', value: ({ namespace }) => namespace, isWide: true },
  { title: 'RESULT', value: ({ result }) => result },
  { title: 'PROVIDERID', value: ({ providerID = '' }) => providerID },
  { title: 'NODE', value: ({ nodeName = '' }) => nodeName },
  {
    title: 'ADDRESSES',
    value: ({ addresses = [] }) => addresses.map(({ type, address }) => `${type}=${address}`).join(' '),
    isWide: true,
  },
]

async function runOnMachines(action: Action, names: readonly string[], options: FileOptions): Promise<void> {
  const manifests = await readManifests(options.filename)
  const requests = chooseMachines(manifests, names).map((machine) => machineRequest(machine, manifests))
  await using driver = await connect(options)
  const results = await Promise.all(requests.map((request) => runAction(driver, action, request, options)))
  console.log(render(results, columns, options.output))
  reportErrors(results)
}

async function runAction(
  driver: ConnectedDriver,
  action: Action,
  request: { machine: Machine; machineClass: MachineClass; secret?: Secret },
  options: ClientOptions,
): Promise<Result> {
  const { name, namespace } = request.machine.metadata
  const { method, done } = actions[action]
  try {
    const answer: Partial<DriverCalls['createMachine']['response']> = await driver[method](request, deadline(options))
    return { name, namespace, result: done, ...answer }
  } catch (error) {
    return { name, namespace, result: 'failed', ...failure(error) }
  }
}

async function listMachines(options: FileOptions): Promise<void> {
  const manifests = await readManifests(options.filename)
  if (manifests.classes.length === 0) throw new CliError(`no MachineClass in ${options.filename.join(', ')}`)
  await using driver = await connect(options)
  const results = await Promise.all(
    manifests.classes.map(async (machineClass): Promise<Result[]> => {
      const { name, namespace } = machineClass.object.metadata
      try {
        const secret = secretOf(machineClass, manifests)
        const request = { machineClass: machineClass.object, ...(secret && { secret }) }
        const { machineList } = await driver.listMachines(request, deadline(options))
        return Object.entries(machineList).map(([providerID, machine]) => {
          return { name: machine, namespace, result: `of class ${name}`, providerID }
        })
      } catch (error) {
        if (error instanceof CliError) throw error
        return [{ name: `(class ${name})`, namespace, result: 'failed', ...failure(error) }]
      }
    }),
  )
  const rows = results.flat()
  console.log(
    render(
      rows,
      columns.filter(({ title }) => title !== 'NODE' && title !== 'ADDRESSES'),
      options.output,
    ),
  )
  reportErrors(rows)
}

function chooseMachines({ machines, others }: Manifests, names: readonly string[]): Located<Machine>[] {
  const missing = names.filter((name) => !machines.some(({ object }) => object.metadata.name === name))
  if (missing.length > 0) throw new CliError(`no Machine ${missing.join(', ')} in the given files`)
  if (machines.length === 0) {
    const kinds = [...new Set(others.map(({ kind }) => kind))].join(', ')
    throw new CliError(`no Machine in the given files${kinds && ` (they have: ${kinds}, which need the controller)`}`)
  }
  return names.length === 0 ? machines : machines.filter(({ object }) => names.includes(object.metadata.name))
}

function machineRequest(machine: Located<Machine>, manifests: Manifests) {
  const machineClass = classOf(machine, manifests)
  const secret = secretOf(machineClass, manifests)
  return { machine: machine.object, machineClass: machineClass.object, ...(secret && { secret }) }
}

function failure(thrown: unknown): Partial<Result> {
  const { code, message, reason, retry, retryAfterMs, providerID, nodeName } = MachineError.from(thrown)
  return {
    ...(providerID && { providerID }),
    ...(nodeName && { nodeName }),
    error: { code, message, ...(reason && { reason }), retry, ...(retryAfterMs !== undefined && { retryAfterMs }) },
  }
}

const advice: Record<string, string> = {
  soon: 'passing trouble: try again in a moment',
  later: 'try again later',
}

function hintOf({ reason, message, retry, retryAfterMs }: NonNullable<Result['error']>): string | undefined {
  if (reason === 'HOST_UNREACHABLE') return reachability(message)
  if (reason === 'PLUGIN_UNUSABLE') return '"mcm plugin show" has all of it'
  if (retryAfterMs !== undefined) return `try again in ${Math.ceil(retryAfterMs / 1000)} s`
  return advice[retry]
}

function reachability(message: string): string {
  const isNone = /ENOENT|ECONNREFUSED/.test(message)
  return isNone
    ? 'start one with "mcm serve", or name another with --endpoint'
    : 'check --endpoint and the options for TLS, --tls-ca, --tls-cert and --tls-key'
}

function reportErrors(results: readonly Result[]): void {
  const failed = results.filter(({ error }) => error)
  for (const { name, error } of failed) {
    if (!error) continue
    const hint = hintOf(error)
    console.error(`\n${name}: ${error.code}: ${error.message}${hint ? `\n(${hint})` : ''}`)
  }
  if (failed.length > 0) process.exitCode = 1
}
