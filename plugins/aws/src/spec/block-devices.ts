import type { Violation } from '@mcm/sdk'
import { invalid, required } from '@mcm/sdk/go'
import type { ProviderSpec } from './provider-spec.ts'

type BlockDevice = NonNullable<ProviderSpec['blockDevices']>[number]

/** What the class calls the root disk, whatever the image calls it. */
export const rootDevice = '/root'

/** What is wrong with `providerSpec.blockDevices`. */
export function checkBlockDevices({ blockDevices = [] }: ProviderSpec): Violation[] {
  const isOneOfMany = blockDevices.length > 1
  return [
    ...blockDevices.flatMap((device, i) => checkDevice(device, `providerSpec.blockDevices[${i}]`, isOneOfMany)),
    ...checkNames(blockDevices.map(({ deviceName = '' }) => deviceName)),
  ]
}

/** Upstream's answer when it comes to a launch; whoever asks before is told at once. */
export function checkAnyBlockDevice({ blockDevices = [] }: ProviderSpec): Violation[] {
  return blockDevices.length > 0 ? [] : [required('providerSpec.blockDevices', 'no block devices passed')]
}

function checkDevice({ deviceName = '', ebs = {} }: BlockDevice, path: string, isOneOfMany: boolean): Violation[] {
  const violations: Violation[] = []
  const { volumeType = '', volumeSize = 0, iops = 0, throughput } = ebs
  if (isOneOfMany && deviceName !== rootDevice && !new RegExp(namePattern).test(deviceName)) {
    const detail = `Device name given: ${deviceName} does not match the expected pattern (regex used for validation is '${namePattern}')`
    violations.push(invalid(`${path}.deviceName`, deviceName, detail))
  }
  if (!volumeTypes.has(volumeType)) {
    const known = '[gp2 gp3 io1 st1 sc1 standard]'
    violations.push(required(`${path}.ebs.volumeType`, `Please mention a valid EBS volume type: ${known}`))
  }
  if (volumeSize <= 0) violations.push(required(`${path}.ebs.volumeSize`, 'Please mention a valid EBS volume size'))
  if (iops < 0 || (iops === 0 && /^io[12]$/.test(volumeType))) {
    violations.push(required(`${path}.ebs.iops`, 'Please mention a valid EBS volume iops'))
  }
  if (throughput !== undefined && throughput <= 0) {
    violations.push(invalid(`${path}.ebs.throughput`, throughput, 'Throughput should be a positive value'))
  }
  // Beyond upstream: what EC2 refuses for sure.
  if (iops > 0 && ['gp2', 'st1', 'sc1', 'standard'].includes(volumeType)) {
    violations.push(invalid(`${path}.ebs.iops`, iops, `volumes of type ${volumeType} take no iops`))
  }
  if (hardDisks.has(volumeType)) {
    if (!isOneOfMany || deviceName === rootDevice) {
      violations.push(
        invalid(`${path}.ebs.volumeType`, volumeType, `volumes of type ${volumeType} cannot be the root disk`),
      )
    }
    if (volumeSize > 0 && volumeSize < leastHardDiskGiB) {
      const detail = `volumes of type ${volumeType} have at least ${leastHardDiskGiB} GiB`
      violations.push(invalid(`${path}.ebs.volumeSize`, volumeSize, detail))
    }
  }
  if (throughput !== undefined && throughput > 0 && volumeTypes.has(volumeType) && volumeType !== 'gp3') {
    violations.push(invalid(`${path}.ebs.throughput`, throughput, `volumes of type ${volumeType} take no throughput`))
  }
  return violations
}

function checkNames(names: readonly string[]): Violation[] {
  const violations: Violation[] = []
  const roots = names.filter((name) => name === rootDevice).length
  if (roots > 1 || (roots === 0 && names.length > 1)) {
    violations.push(required('providerSpec.blockDevices', 'Only one device can be specified as root'))
  }
  for (const [name, { length }] of Map.groupBy(names, (name) => name)) {
    if (length === 1) continue
    const detail = `Device name '${name}' duplicated ${length} times, DeviceName must be unique`
    violations.push(required('providerSpec.blockDevices', detail))
  }
  return violations
}

// Of EC2's guide to volume types.
const hardDisks = new Set(['st1', 'sc1'])
const leastHardDiskGiB = 125

const namePattern = '^/dev/(sd[a-z]|xvd[a-c][a-z]?)$'
// Upstream's six and io2, which it does not know.
const volumeTypes = new Set(['gp2', 'gp3', 'io1', 'io2', 'st1', 'sc1', 'standard'])
