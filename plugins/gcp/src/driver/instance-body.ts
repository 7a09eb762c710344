import type { Instance } from '../cloud/compute.ts'
import { type Disk, isScratch } from '../spec/disks.ts'
import type { NetworkInterface } from '../spec/network-interfaces.ts'
import type { ProviderSpec } from '../spec/provider-spec.ts'

/** What is not in the class. */
interface Parts {
  project: string
  zone: string
  name: string
  /** As an item of the metadata. */
  userData: { key: string; value: string }
}

/** The body of `instances.insert`, as upstream makes it. What the class switches off by false is sent as false. */
export function instanceBody(spec: ProviderSpec, parts: Parts): Instance {
  const { project, zone, name, userData } = parts
  const { scheduling = {}, gpu, shieldedInstanceConfiguration: shielded, advancedMachineFeatures, tags = [] } = spec
  const body = {
    name,
    machineType: `zones/${zone}/machineTypes/${lastSegment(spec.machineType)}`,
    disks: (spec.disks ?? []).map((disk) => diskBody(disk, zone)),
    networkInterfaces: (spec.networkInterfaces ?? []).map((nic) => interfaceBody(nic, project, spec.region ?? '')),
    tags: { items: [...tags] },
    scheduling: {
      automaticRestart: scheduling.automaticRestart ?? false,
      onHostMaintenance: scheduling.onHostMaintenance,
      preemptible: scheduling.preemptible,
    },
    metadata: {
      items: [userData, ...(spec.metadata ?? []).map(({ key, value }) => ({ key, value }))],
    },
    labels: spec.labels,
    description: spec.description || undefined,
    minCpuPlatform: spec.minCpuPlatform || undefined,
    canIpForward: spec.canIpForward,
    deletionProtection: spec.deletionProtection,
    serviceAccounts: spec.serviceAccounts?.map(({ email, scopes }) => ({ email, scopes })),
    guestAccelerators: gpu && [
      {
        acceleratorType: `projects/${project}/zones/${zone}/acceleratorTypes/${lastSegment(gpu.acceleratorType)}`,
        acceleratorCount: gpu.count,
      },
    ],
    shieldedInstanceConfig: shielded && {
      enableIntegrityMonitoring: shielded.integrityMonitoring,
      enableSecureBoot: shielded.secureBoot,
      enableVtpm: shielded.vtpm,
    },
    advancedMachineFeatures: advancedMachineFeatures && {
      enableNestedVirtualization: advancedMachineFeatures.enableNestedVirtualization,
    },
  }
  // Parsed again, so that members without a value are gone: the body is part of what names a request.
  return JSON.parse(JSON.stringify(body)) as Instance
}

function diskBody(disk: Disk, zone: string) {
  const { encryption, autoDelete = true } = disk
  const type = (name: string | undefined) => `zones/${zone}/diskTypes/${lastSegment(name)}`
  const key = encryption && {
    kmsKeyName: encryption.kmsKeyName?.trim(),
    kmsKeyServiceAccount: encryption.kmsKeyServiceAccount?.trim() || undefined,
  }
  if (isScratch(disk)) {
    return {
      type: 'SCRATCH',
      autoDelete,
      interface: disk.interface,
      diskEncryptionKey: key,
      initializeParams: { diskType: type('local-ssd') },
    }
  }
  return {
    type: 'PERSISTENT',
    boot: disk.boot ?? false,
    autoDelete,
    diskEncryptionKey: key,
    initializeParams: {
      diskSizeGb: numberText(disk.sizeGb),
      diskType: type(disk.type),
      labels: disk.labels,
      sourceImage: disk.image || undefined,
      provisionedIops: numberText(disk.provisionedIops),
      provisionedThroughput: numberText(disk.provisionedThroughput),
      storagePool: disk.storagePool || undefined,
    },
  }
}

function interfaceBody(nic: NetworkInterface, project: string, region: string) {
  const { network = '', subnetwork = '', stackType, ipv6accessType, useAliasIPs } = nic
  const hasRange = stackType === 'IPV4_IPV6' || useAliasIPs
  return {
    network: network === '' ? undefined : inProject(network, `projects/${project}/global/networks`),
    subnetwork: subnetwork === '' ? undefined : inProject(subnetwork, `regions/${region}/subnetworks`),
    accessConfigs: nic.disableExternalIP ? undefined : [{}],
    ...(hasRange && {
      stackType: stackType || undefined,
      ipv6AccessType: ipv6accessType || undefined,
      aliasIpRanges: [
        { ipCidrRange: nic.ipCidrRange || undefined, subnetworkRangeName: nic.subnetworkRangeName || undefined },
      ],
    }),
  }
}

/** Names may be given as URLs. */
function lastSegment(text = ''): string {
  return text.slice(text.lastIndexOf('/') + 1)
}

/** The path of a name. One that names a project stays, since a network may be another one's. */
function inProject(text: string, folder: string): string {
  return /projects\/.*/.exec(text)?.[0] ?? `${folder}/${lastSegment(text)}`
}

/** Integers of 64 bits travel as texts. */
function numberText(value = 0): string | undefined {
  return value === 0 ? undefined : String(value)
}
