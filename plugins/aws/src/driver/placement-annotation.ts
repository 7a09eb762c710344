import { type JsonValue, type Machine, MachineError } from '@mcm/sdk'

/** Where a VM runs, as the annotation of a Machine says it. */
export type AnnotatedPlacement = Record<string, string | number>

/**
 * The placement that a Machine's node template asks for by annotation: the older way, for classes without `placement`.
 * JSON in the form of EC2's Placement, names in any case.
 */
export function annotatedPlacement({ spec }: Machine): AnnotatedPlacement | undefined {
  const metadata = member(spec.nodeTemplate, 'metadata')
  const text = member(member(metadata, 'annotations'), annotation)
  if (typeof text !== 'string' || text === '') return undefined
  const value = parse(text)
  if (value === null) return undefined
  if (typeof value !== 'object' || Array.isArray(value)) throw wrong('must be a JSON object')
  const placement: AnnotatedPlacement = {}
  for (const [key, item] of Object.entries(value)) {
    const name = names.get(key.toLowerCase())
    if (name === undefined || item === null) continue
    const isNumber = numbers.has(name)
    if (isNumber ? !Number.isInteger(item) : typeof item !== 'string') {
      throw wrong(`${key} must be ${isNumber ? 'a whole number' : 'a text'}`)
    }
    // Just checked.
    placement[name] = item as string | number
  }
  return placement
}

const annotation = 'machine.sapcloud.io/awsPlacement'
const numbers = new Set(['PartitionNumber'])
const names = new Map(
  [
    'Affinity',
    'AvailabilityZone',
    'AvailabilityZoneId',
    'GroupId',
    'GroupName',
    'HostId',
    'HostResourceGroupArn',
    'PartitionNumber',
    'SpreadDomain',
    'Tenancy',
  ].map((name) => [name.toLowerCase(), name]),
)

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw wrong('is not JSON', cause)
  }
}

function wrong(what: string, cause?: unknown): MachineError {
  return new MachineError('InvalidArgument', `annotation ${annotation} of the node template ${what}`, { cause })
}

function member(value: JsonValue | undefined, key: string): JsonValue | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value[key] : undefined
}
