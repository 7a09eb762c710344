import type { Violation } from '@mcm/sdk'
import { invalid, required, unsupported } from '@mcm/sdk/go'
import type { ProviderSpec } from './provider-spec.ts'

type NetworkInterface = NonNullable<ProviderSpec['networkInterfaces']>[number]

/** The place of a network interface: on which card, and as which device there. Default of the device: its position. */
export function placeOf(nic: NetworkInterface, position: number): string {
  return `${nic.networkCardIndex ?? 0}/${nic.deviceIndex ?? position}`
}

/** What is wrong with `providerSpec.networkInterfaces`. */
export function checkNetworkInterfaces({ networkInterfaces = [] }: ProviderSpec): Violation[] {
  if (networkInterfaces.length === 0) {
    return [required('providerSpec.networkInterfaces[]', 'Mention at least one NetworkInterface')]
  }
  return [...networkInterfaces.flatMap(checkInterface), ...checkPlaces(networkInterfaces)]
}

function checkInterface(nic: NetworkInterface, i: number): Violation[] {
  const path = `providerSpec.networkInterfaces[${i}]`
  const { subnetID = '', securityGroupIDs = [], interfaceType = '' } = nic
  const violations: Violation[] = []
  if (subnetID === '') violations.push(required(`${path}.subnetID`, 'SubnetID is required'))
  if (securityGroupIDs.length === 0) {
    violations.push(required(`${path}.securityGroupIDs`, 'Mention at least one securityGroupID'))
  }
  for (const [j, id] of securityGroupIDs.entries()) {
    if (id !== '') continue
    const detail = `securityGroupIDs cannot be blank for networkInterface:${i} securityGroupID:${j}`
    violations.push(required(`${path}.securityGroupIDs`, detail))
  }
  if (interfaceType !== '' && !interfaceTypes.includes(interfaceType)) {
    violations.push(unsupported(`${path}.interfaceType`, interfaceType, interfaceTypes))
  }
  for (const name of ['deviceIndex', 'networkCardIndex', 'ipv6AddressCount', 'ipv6PrefixCount'] as const) {
    const value = nic[name]
    if (value !== undefined && value < 0) violations.push(invalid(`${path}.${name}`, value, 'must be >= 0'))
  }
  return violations
}

/** Beyond upstream: EC2 refuses two devices at one place. */
function checkPlaces(nics: readonly NetworkInterface[]): Violation[] {
  const seen = new Map<string, number>()
  return nics.flatMap((nic, i) => {
    const first = seen.get(placeOf(nic, i))
    if (first === undefined) seen.set(placeOf(nic, i), i)
    if (first === undefined) return []
    const detail = `networkInterfaces[${first}] has the same index on the same network card`
    return [invalid(`providerSpec.networkInterfaces[${i}].deviceIndex`, nic.deviceIndex ?? i, detail)]
  })
}

const interfaceTypes = ['interface', 'efa', 'efa-only']
