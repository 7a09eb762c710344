import type { Violation } from '@mcm/sdk'
import { forbidden, invalid, required, unsupported } from '@mcm/sdk/go'
import type { ProviderSpec } from './provider-spec.ts'

/** What is wrong with `providerSpec.capacityReservation`. A text that is there counts, also an empty one. */
export function checkCapacityReservation({ capacityReservation: reservation }: ProviderSpec): Violation[] {
  const path = 'providerSpec.capacityReservation'
  const hasId = reservation?.capacityReservationId !== undefined
  const hasArn = reservation?.capacityReservationResourceGroupArn !== undefined
  if (reservation?.capacityReservationPreference && (hasId || hasArn)) {
    const detail =
      'CapacityReservationPreference cannot be set when also providing a CapacityReservationID or CapacityReservationResourceGroupArn'
    return [required(path, detail)]
  }
  // Beyond upstream: EC2 knows no other.
  const preference = reservation?.capacityReservationPreference ?? ''
  if (preference !== '' && !preferences.includes(preference)) {
    return [unsupported(`${path}.capacityReservationPreference`, preference, preferences)]
  }
  if (!hasId || !hasArn) return []
  const detail = 'CapacityReservationResourceGroupArn or CapacityReservationId are optional but only one should be used'
  return [required(path, detail)]
}

/** What is wrong with `providerSpec.placement`. */
export function checkPlacement({ placement = {} }: ProviderSpec): Violation[] {
  const path = 'providerSpec.placement'
  const { tenancy, affinity, hostId, partitionNumber } = placement
  const violations: Violation[] = []
  if (tenancy !== undefined && !tenancies.includes(tenancy)) {
    violations.push(unsupported(`${path}.tenancy`, tenancy, tenancies))
  }
  if (affinity !== undefined && !affinities.includes(affinity)) {
    violations.push(unsupported(`${path}.affinity`, affinity, affinities))
  }
  if (hostId !== undefined && tenancy !== 'host') {
    violations.push(forbidden(`${path}.hostId`, 'hostId can only be set when tenancy is "host"'))
  }
  if (partitionNumber !== undefined && partitionNumber < 1) {
    violations.push(invalid(`${path}.partitionNumber`, partitionNumber, 'must be >= 1'))
  }
  return violations
}

/** What is wrong with `providerSpec.instanceMarketOptions`. */
export function checkMarketOptions({ instanceMarketOptions: options }: ProviderSpec): Violation[] {
  if (!options || marketTypes.includes(options.marketType ?? '')) return []
  return [unsupported('providerSpec.instanceMarketOptions.marketType', options.marketType ?? '', marketTypes)]
}

/** What is wrong with `providerSpec.instanceMetadataOptions`, which upstream's paths call `instanceMetadata`. */
export function checkMetadataOptions({ instanceMetadataOptions: options = {} }: ProviderSpec): Violation[] {
  const path = 'providerSpec.instanceMetadata'
  const violations: Violation[] = []
  const { httpPutResponseHopLimit: limit } = options
  if (limit !== undefined && (limit < 0 || limit > 64)) {
    const detail = 'Only values between 0 and 64, both included, are accepted'
    violations.push(invalid(`${path}.httpPutResponseHopLimit`, limit, detail))
  }
  for (const name of ['httpEndpoint', 'httpTokens', 'httpProtocolIpv6'] as const) {
    const value = options[name] ?? ''
    const accepted = metadataValues[name]
    if (value !== '' && !accepted.includes(value)) {
      violations.push(invalid(`${path}.${name}`, value, `Accepted values: [${accepted.join(' ')}]`))
    }
  }
  return violations
}

/** What is wrong with `providerSpec.cpuOptions`. */
export function checkCpuOptions({ cpuOptions = {} }: ProviderSpec): Violation[] {
  const path = 'providerSpec.cpuOptions'
  const { amdSevSnp, coreCount, threadsPerCore } = cpuOptions
  const violations: Violation[] = []
  if (amdSevSnp !== undefined && amdSevSnp !== 'enabled' && amdSevSnp !== 'disabled') {
    violations.push(invalid(`${path}.amdSevSnp`, amdSevSnp, 'AmdSevSnp must be one of [enabled disabled]'))
  }
  if (coreCount === undefined && threadsPerCore === undefined) return violations
  if (coreCount === undefined) {
    return [...violations, required(`${path}.coreCount`, 'CoreCount is required when ThreadsPerCore is set')]
  }
  if (threadsPerCore === undefined) {
    return [...violations, required(`${path}.threadsPerCore`, 'ThreadsPerCore is required when CoreCount is set')]
  }
  if (threadsPerCore !== 1 && threadsPerCore !== 2) {
    violations.push(invalid(`${path}.threadsPerCore`, threadsPerCore, 'ThreadsPerCore must be 1 or 2'))
  }
  // Beyond upstream: no instance type has fewer.
  if (coreCount < 1) violations.push(invalid(`${path}.coreCount`, coreCount, 'must be >= 1'))
  return violations
}

const preferences = ['open', 'none', 'capacity-reservations-only']
const tenancies = ['default', 'dedicated', 'host']
const affinities = ['default', 'host']
// Upstream's enumeration; EC2 knows more by now.
const marketTypes = ['spot', 'capacity-block', 'interruptible-capacity-reservation']
const metadataValues = {
  httpEndpoint: ['disabled', 'enabled'],
  httpTokens: ['required', 'optional'],
  httpProtocolIpv6: ['enabled', 'disabled'],
}
