import { parseArgs } from 'node:util'
import { defaultEndpoint, type Fault, type Settings } from '../cloud/index.ts'

/** What a command line asks for. */
export type Command = { endpoint: string } & (
  | { name: 'show' | 'clear-faults' | 'reset' }
  | { name: 'help'; text: string }
  | { name: 'set'; changes: Partial<Settings> }
  | { name: 'fault'; fault: Fault }
  | { name: 'instances'; all: boolean }
  | { name: 'kill'; id: string }
  | { name: 'advance'; ms: number }
)

/** Reads a command line. Throws when it makes no sense. What is in it the cloud checks. */
export function readArguments(args: string[]): Command {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      endpoint: { type: 'string', short: 'e', default: defaultEndpoint() },
      help: { type: 'boolean', short: 'h', default: false },
      all: { type: 'boolean', default: false },
      after: { type: 'boolean', default: false },
      times: { type: 'string' },
      machine: { type: 'string' },
      delay: { type: 'string' },
      'retry-after': { type: 'string' },
      probability: { type: 'string' },
    },
  })
  const { endpoint, all } = values
  const [name = 'help', ...rest] = positionals
  const amount = (text: string | undefined) => (text === undefined ? undefined : Number(text))
  if (values.help) return { name: 'help', endpoint, text: help }
  switch (name) {
    case 'help':
      return { name, endpoint, text: help }
    case 'show':
    case 'clear-faults':
    case 'reset':
      only(0)
      return { name, endpoint }
    case 'instances':
      only(0)
      return { name, endpoint, all }
    case 'kill':
      return { name, endpoint, id: only(1)[0] ?? '' }
    case 'advance':
      return { name, endpoint, ms: Number(only(1)[0]) * 1000 }
    case 'set':
      return { name, endpoint, changes: readChanges(rest) }
    case 'fault': {
      const [on = '', error] = rest
      const fault = {
        on,
        error,
        afterExecution: values.after || undefined,
        times: values.times === 'always' ? values.times : amount(values.times),
        machine: values.machine,
        delayMs: amount(values.delay),
        retryAfterMs: amount(values['retry-after']),
        probability: amount(values.probability),
      }
      const given = Object.entries(fault).filter(([, value]) => value !== undefined)
      // The cloud checks a fault before it takes it.
      return { name, endpoint, fault: Object.fromEntries(given) as unknown as Fault }
    }
    default:
      throw new TypeError(`there is no command ${name}; try mcm-fake-cloud help`)
  }

  function only(count: number): string[] {
    if (rest.length === count) return rest
    throw new TypeError(`${name} takes ${count} arguments, not ${rest.length}; try mcm-fake-cloud help`)
  }
}

function readChanges(texts: string[]): Partial<Settings> {
  if (texts.length === 0) throw new TypeError('set takes at least one <setting>=<value>; try mcm-fake-cloud help')
  return Object.fromEntries(
    texts.map((text) => {
      const [, key, value] = /^(\w+)=(.+)$/.exec(text) ?? []
      if (key === undefined || value === undefined) throw new TypeError(`${text} is not of the form <setting>=<value>`)
      try {
        return [key, JSON.parse(value)]
      } catch (cause) {
        throw new TypeError(`the value of ${key} is not JSON: ${value}`, { cause })
      }
    }),
  )
}

const help = `Rules the simulated cloud of @mcm/plugin-fake, while plugins use it.

  mcm-fake-cloud show                         settings and faults
  mcm-fake-cloud set <setting>=<JSON> ...     change settings, for example
                                                latencyMs=200 quotas='[{"per":"region","instances":5}]'
  mcm-fake-cloud fault <on> [<error>] ...     let something go wrong once, for example
                                                createMachine ResourceExhausted --times 2
                                                createMachine ConnectionReset --after
                                                deleteMachine --delay 60000 --machine worker-1
      --times <n>|always   how often             --after            execute first, then lose the answer
      --machine <name>     only at its calls     --delay <ms>       answer late
      --probability <0-1>  only sometimes        --retry-after <ms> what the answer says
  mcm-fake-cloud clear-faults                 forget all faults
  mcm-fake-cloud instances [--all]            VMs, as they really are; --all: terminated ones, too
  mcm-fake-cloud kill <instance id>           let a VM die
  mcm-fake-cloud advance <seconds>            put the cloud's clock forward
  mcm-fake-cloud reset                        forget everything

  -e, --endpoint <file: URL>   which cloud; as in providerSpec.endpoint. Default: this user's
`
