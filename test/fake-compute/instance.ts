import { createHash } from 'node:crypto'
import type { FakeOperation } from './operation.ts'
import { linkBase, type Place, regionOf, zonePath } from './place.ts'

/** What the fake reads of an instance; the published schema has checked the rest. */
export interface InstanceResource {
  [field: string]: unknown
  name: string
  machineType?: string
  status?: 'PROVISIONING' | 'STAGING' | 'RUNNING' | 'STOPPING' | 'TERMINATED'
  tags?: { items?: string[]; fingerprint?: string }
  labels?: Record<string, string>
  metadata?: { kind?: string; fingerprint?: string; items?: { key?: string; value?: string }[] }
  disks?: DiskResource[]
  networkInterfaces?: NetworkInterface[]
  scheduling?: { automaticRestart?: boolean; onHostMaintenance?: string; preemptible?: boolean }
  guestAccelerators?: { acceleratorType?: string; acceleratorCount?: number }[]
  serviceAccounts?: { email?: string; scopes?: string[] }[]
  deletionProtection?: boolean
}

export interface DiskResource {
  type?: 'PERSISTENT' | 'SCRATCH'
  boot?: boolean
  autoDelete?: boolean
  interface?: string
  source?: string
  initializeParams?: {
    diskName?: string
    diskSizeGb?: string | number
    diskType?: string
    sourceImage?: string
    labels?: Record<string, string>
  }
}

interface NetworkInterface {
  network?: string
  subnetwork?: string
  stackType?: string
  accessConfigs?: object[]
}

/** An instance of the fake, and what only the fake knows. */
export interface FakeInstance {
  project: string
  zone: string
  resource: InstanceResource
  /** The last thing that was asked for it. */
  operation: FakeOperation
  /** Looks that do not show it yet. */
  hiddenFor: number
}

/** The n-th instance as Compute shows it: what was asked for, and what Compute fills in. */
export function instanceResource(id: string, n: number, place: Place, body: InstanceResource): InstanceResource {
  const { zone } = place
  const path = zonePath(place)
  return {
    ...body,
    kind: 'compute#instance',
    id,
    creationTimestamp: new Date().toISOString(),
    zone: linkBase + path,
    selfLink: `${linkBase}${path}/instances/${body.name}`,
    status: 'PROVISIONING',
    cpuPlatform: 'Unknown CPU Platform',
    fingerprint: fingerprintOf(id),
    tags: { ...body.tags, fingerprint: fingerprintOf(body.tags?.items) },
    metadata: { ...body.metadata, kind: 'compute#metadata', fingerprint: fingerprintOf(body.metadata?.items) },
    labelFingerprint: fingerprintOf(body.labels),
    machineType: whole(body.machineType, place),
    canIpForward: body.canIpForward ?? false,
    deletionProtection: body.deletionProtection ?? false,
    startRestricted: false,
    scheduling: { onHostMaintenance: 'MIGRATE', automaticRestart: true, preemptible: false, ...body.scheduling },
    disks: (body.disks ?? []).map(({ initializeParams: _, ...disk }, index) => ({
      kind: 'compute#attachedDisk',
      type: 'PERSISTENT',
      mode: 'READ_WRITE',
      interface: 'SCSI',
      deviceName: index === 0 ? 'persistent-disk-0' : `persistent-disk-${index}`,
      ...disk,
      index,
      boot: disk.boot ?? false,
      autoDelete: disk.autoDelete ?? false,
    })),
    networkInterfaces: (body.networkInterfaces ?? []).map((nic, index) => ({
      ...nic,
      kind: 'compute#networkInterface',
      name: `nic${index}`,
      fingerprint: fingerprintOf(nic),
      network: whole(nic.network ?? 'global/networks/default', place),
      subnetwork: whole(nic.subnetwork ?? `regions/${regionOf(zone)}/subnetworks/default`, place),
      stackType: nic.stackType ?? 'IPV4_ONLY',
      networkIP: `10.132.${Math.floor(n / 200)}.${(n % 200) + 2}`,
      ...(nic.accessConfigs && {
        accessConfigs: nic.accessConfigs.map((config) => ({
          type: 'ONE_TO_ONE_NAT',
          name: 'external-nat',
          networkTier: 'PREMIUM',
          ...config,
          kind: 'compute#accessConfig',
          natIP: `203.0.113.${(n % 250) + 1}`,
        })),
      }),
      ...(nic.stackType === 'IPV4_IPV6' && {
        ipv6AccessType: 'EXTERNAL',
        ipv6AccessConfigs: [
          { type: 'DIRECT_IPV6', name: 'external-ipv6', externalIpv6: `2001:db8::${n.toString(16)}` },
        ],
      }),
    })),
  }
}

/** A whole URL, also where a partial one was sent. */
function whole(url: string | undefined, { project }: Place): string {
  const path = String(url).replace(/^https?:\/\/[^/]+\/compute\/v1\//, '')
  return `${linkBase}${path.startsWith('projects/') ? path : `projects/${project}/${path}`}`
}

export function fingerprintOf(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(value ?? null))
    .digest('base64')
    .slice(0, 12)
    .replaceAll('+', '-')
    .replaceAll('/', '_')
}
