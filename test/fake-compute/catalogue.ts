/** What a project finds in Compute before it makes anything. Tests may add to it. */
export interface Catalogue {
  /** Zones, by region. */
  regions: Map<string, string[]>
  machineTypes: Map<string, { guestCpus: number; memoryMb: number }>
  diskTypes: Set<string>
  acceleratorTypes: Set<string>
  /** `project/name`: the smallest disk that the image fits on. */
  images: Map<string, { diskSizeGb: string; family: string }>
  networks: Set<string>
  /** In every region: name of the network, and whether it has IPv6. */
  subnetworks: Map<string, { network: string; isDualStack: boolean }>
}

export function defaultCatalogue(): Catalogue {
  return {
    regions: new Map([
      ['europe-west1', ['europe-west1-b', 'europe-west1-c', 'europe-west1-d']],
      ['us-central1', ['us-central1-a']],
    ]),
    machineTypes: new Map([
      ['e2-medium', { guestCpus: 2, memoryMb: 4096 }],
      ['e2-standard-2', { guestCpus: 2, memoryMb: 8192 }],
      ['n1-standard-2', { guestCpus: 2, memoryMb: 7680 }],
      ['n1-standard-4', { guestCpus: 4, memoryMb: 15360 }],
      ['n2-standard-2', { guestCpus: 2, memoryMb: 8192 }],
      ['n2-standard-4', { guestCpus: 4, memoryMb: 16384 }],
    ]),
    diskTypes: new Set(['pd-standard', 'pd-balanced', 'pd-ssd', 'hyperdisk-balanced', 'local-ssd']),
    acceleratorTypes: new Set(['nvidia-tesla-t4', 'nvidia-tesla-v100']),
    images: new Map([
      ['debian-cloud/debian-13-trixie-v20261015', { diskSizeGb: '10', family: 'debian-13' }],
      ['sap-se-gcp-gardenlinux/gardenlinux-gcp-amd64-1877', { diskSizeGb: '3', family: 'gardenlinux' }],
    ]),
    networks: new Set(['default', 'shoot--demo--one']),
    subnetworks: new Map([
      ['default', { network: 'default', isDualStack: false }],
      ['shoot--demo--one-nodes', { network: 'shoot--demo--one', isDualStack: true }],
    ]),
  }
}
