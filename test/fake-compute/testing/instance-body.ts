import type { InstanceResource } from '../instance.ts'

/** A request for an instance that Compute has nothing against. */
export function instanceBody(
  name: string,
  tags = ['kubernetes-io-cluster-one', 'kubernetes-io-role-node'],
): InstanceResource {
  return {
    name,
    machineType: 'zones/europe-west1-b/machineTypes/n1-standard-2',
    tags: { items: tags },
    disks: [
      {
        boot: true,
        autoDelete: true,
        initializeParams: { sourceImage: 'projects/debian-cloud/global/images/debian-13-trixie-v20261015' },
      },
    ],
    networkInterfaces: [{ network: 'global/networks/default' }],
  }
}
