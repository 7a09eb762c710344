import type { Violation } from '@mcm/sdk'
import { invalid, required, unsupported } from '@mcm/sdk/go'
import type { ProviderSpec } from './provider-spec.ts'

/** A disk of the class. */
export type Disk = NonNullable<ProviderSpec['disks']>[number]

/** Whether a disk is a local SSD. */
export function isScratch({ type }: Disk): boolean {
  return type === 'SCRATCH'
}

/** What is wrong with `providerSpec.disks`. */
export function checkDisks({ disks = [] }: ProviderSpec): Violation[] {
  if (disks.length === 0) return [required('providerSpec.disks', 'at least one disk is required')]
  return [...disks.flatMap(checkDisk), ...checkBoot(disks)]
}

function checkDisk(disk: Disk, i: number): Violation[] {
  const path = `providerSpec.disks[${i}]`
  const violations: Violation[] = []
  const { type = '', interface: bus = '', boot, image = '', encryption } = disk
  if (isScratch(disk) && !interfaces.includes(bus)) violations.push(unsupported(`${path}.interface`, bus, interfaces))
  if (boot && image === '') violations.push(required(`${path}.image`, 'image is required for boot disk'))
  if (encryption) {
    const { kmsKeyName = '', kmsKeyServiceAccount = '' } = encryption
    if (kmsKeyName.trim() === '') {
      violations.push(required(`${path}.encryption.kmsKeyName`, 'kmsKeyName is required to be specified'))
    }
    if (kmsKeyServiceAccount !== '' && kmsKeyServiceAccount.trim() === '') {
      const detail =
        'kmsKeyServiceAccount should either be explicitly specified without spaces or left un-specified to default to the Compute Service Agent'
      violations.push(required(`${path}.encryption.kmsKeyServiceAccount`, detail))
    }
  }
  // Beyond upstream: what Compute refuses for sure.
  if (type === '') violations.push(required(`${path}.type`, 'type is required'))
  for (const name of ['sizeGb', 'provisionedIops', 'provisionedThroughput'] as const) {
    const value = disk[name] ?? 0
    if (value < 0) violations.push(invalid(`${path}.${name}`, value, 'must be >= 0'))
  }
  return violations
}

/** Beyond upstream: a VM boots from exactly one disk, and not from a local SSD. */
function checkBoot(disks: readonly Disk[]): Violation[] {
  const boots = disks.flatMap((disk, i) => (disk.boot && !isScratch(disk) ? [i] : []))
  if (boots.length === 0) return [required('providerSpec.disks', 'one disk has to be the boot disk')]
  return boots.slice(1).map((i) => {
    return invalid(`providerSpec.disks[${i}].boot`, true, `disks[${boots[0]}] is the boot disk already`)
  })
}

const interfaces = ['NVME', 'SCSI']
