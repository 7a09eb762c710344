import type { Violation } from '@mcm/sdk'
import { invalid, required } from '@mcm/sdk/go'
import type { ProviderSpec } from './provider-spec.ts'

/** A network interface of the class. */
export type NetworkInterface = NonNullable<ProviderSpec['networkInterfaces']>[number]

/** What is wrong with `providerSpec.networkInterfaces`. */
export function checkNetworkInterfaces({ networkInterfaces = [] }: ProviderSpec): Violation[] {
  if (networkInterfaces.length === 0) {
    return [required('providerSpec.networkInterfaces', 'at least one network interface is required')]
  }
  return networkInterfaces.flatMap(checkInterface)
}

function checkInterface(nic: NetworkInterface, i: number): Violation[] {
  const path = `providerSpec.networkInterfaces[${i}]`
  const { network = '', subnetwork = '', stackType = '', ipv6accessType = '', ipCidrRange = '' } = nic
  const violations: Violation[] = []
  if (network === '' && subnetwork === '') {
    violations.push(required(path, 'either network or subnetwork or both is required'))
  }
  if (!['', 'IPV4_IPV6', 'IPV4_ONLY'].includes(stackType)) {
    violations.push(invalid(`${path}.stackType`, stackType, 'must be either IPV4_IPV6 or IPV4_ONLY'))
  }
  if (!['', 'EXTERNAL', 'INTERNAL'].includes(ipv6accessType)) {
    violations.push(invalid(`${path}.ipv6accessType`, ipv6accessType, 'must be either EXTERNAL or INTERNAL'))
  }
  const problem = ipCidrRange === '' ? undefined : rangeProblem(ipCidrRange)
  if (problem !== undefined) violations.push(invalid(`${path}.ipCidrRange`, ipCidrRange, problem))
  return violations
}

/** As upstream has it, signs and leading zeros are taken. */
function rangeProblem(range: string): string | undefined {
  if (!range.startsWith('/')) return "CIDR range must start with '/'"
  const size = range.slice(1)
  if (!/^[+-]?\d+$/.test(size)) return `invalid CIDR mask size: ${size}`
  return Number(size) < 0 || Number(size) > 32 ? 'CIDR mask size must be between 0 and 32' : undefined
}
