import type { CloudControl, Instance } from '../cloud/index.ts'
import type { Command } from './read-arguments.ts'

/** Does what a command says; answers what to print. */
export async function runCommand(cloud: CloudControl, command: Exclude<Command, { name: 'help' }>): Promise<string> {
  switch (command.name) {
    case 'show':
      return json({ endpoint: command.endpoint, settings: await cloud.settings(), faults: await cloud.faults() })
    case 'set':
      return json(await cloud.set(command.changes))
    case 'fault':
      await cloud.inject(command.fault)
      return json(await cloud.faults())
    case 'clear-faults':
      await cloud.clearFaults()
      return ''
    case 'instances': {
      const instances = await cloud.instances()
      return table(instances.filter(({ state }) => command.all || state !== 'terminated'))
    }
    case 'kill':
      if (!(await cloud.kill(command.id))) throw new Error(`there is no instance ${command.id}`)
      return ''
    case 'advance':
      await cloud.advance(command.ms)
      return ''
    case 'reset':
      await cloud.reset()
      return ''
    default:
      return command satisfies never
  }
}

function table(instances: Instance[]): string {
  const rows = instances.map((instance) => [
    instance.id,
    instance.name,
    instance.state + (instance.initialized ? '' : ', not initialized'),
    instance.machineType,
    instance.zone,
    instance.account,
    Object.keys(instance.tags).join(','),
  ])
  const all = [['ID', 'NAME', 'STATE', 'TYPE', 'ZONE', 'ACCOUNT', 'TAGS'], ...rows]
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? []
  return all
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
