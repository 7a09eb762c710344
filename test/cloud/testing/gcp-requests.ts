import type { JsonObject, MachineClass, Secret } from '@mcm/sdk'

/** Network tags of VMs of these tests. */
export const gcpTags = ['shoot--demo--one', 'kubernetes-io-cluster-shoot--demo--one', 'kubernetes-io-role-node']

/** A class of provider GCP, and some of its spec changed. */
export function gcpClass(changes: JsonObject = {}): MachineClass {
  return {
    metadata: { name: 'class-1', namespace: 'default' },
    provider: 'GCP',
    providerSpec: {
      region: 'europe-west1',
      zone: 'europe-west1-b',
      machineType: 'n2-standard-2',
      disks: [
        {
          type: 'pd-balanced',
          boot: true,
          image: 'projects/debian-cloud/global/images/debian-13-trixie-v20261015',
          sizeGb: 50,
        },
      ],
      networkInterfaces: [{ subnetwork: 'default', disableExternalIP: true }],
      scheduling: { automaticRestart: true, onHostMaintenance: 'MIGRATE', preemptible: false },
      tags: gcpTags,
      ...changes,
    },
  }
}

/** A Secret with the key of a service account, or with other data. */
export function gcpSecret(key: object, data: Record<string, string> = {}): Secret {
  const stringData = { userData: '#cloud-config\n', serviceAccountJSON: JSON.stringify(key), ...data }
  return { metadata: { name: 'secret-1', namespace: 'default' }, stringData }
}
