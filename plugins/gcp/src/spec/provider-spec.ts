import { type Static, Type } from '@mcm/sdk'

const open = { additionalProperties: true }

// Fields may be null, which means absent: Go programs write their unset pointers so. Unknown fields are ignored, as
// upstream ignores them. No field is required by the schema: `validate` knows the needs, and says them in upstream's words.
const text = (description: string, ...examples: string[]) =>
  Type.Optional(Type.Unsafe<string>({ type: ['string', 'null'], description, examples }))
const integer = (description: string, ...examples: number[]) =>
  Type.Optional(Type.Unsafe<number>({ type: ['integer', 'null'], description, examples }))
const flag = (description: string, example: boolean) =>
  Type.Optional(Type.Unsafe<boolean>({ type: ['boolean', 'null'], description, examples: [example] }))
const nullable = (type: 'array' | 'object', description: string, example: unknown) => ({
  type: [type, 'null'],
  description,
  examples: [example],
})
const labels = (description: string) =>
  Type.Optional(Type.Record(Type.String(), Type.String(), nullable('object', description, { team: 'nodes' })))

const Encryption = Type.Object(
  {
    kmsKeyName: text(
      'Required. Key that encrypts the disk.',
      'projects/demo-project/locations/europe-west1/keyRings/ring/cryptoKeys/key',
    ),
    kmsKeyServiceAccount: text(
      'Service account that uses the key. Default: the service agent of Compute Engine.',
      'kms@demo-project.iam.gserviceaccount.com',
    ),
  },
  { ...open, ...nullable('object', 'Encryption with a key of yours.', { kmsKeyName: 'projects/…/cryptoKeys/key' }) },
)

const Disk = Type.Object(
  {
    type: text('Required. Type of the disk, such as `pd-balanced`; `SCRATCH` makes a local SSD.', 'pd-balanced'),
    interface: text('`NVME` or `SCSI`. Required for `SCRATCH`, ignored otherwise.', 'NVME'),
    boot: flag('Whether the VM boots from it. Exactly one disk does. Default: false.', true),
    image: text(
      'Image that the disk starts with. Required for the boot disk.',
      'projects/debian-cloud/global/images/family/debian-12',
    ),
    sizeGb: integer("Size in GB. Default: the image's. Ignored for `SCRATCH`.", 50),
    autoDelete: flag('Whether the disk goes with the VM. Default: true.', true),
    encryption: Type.Optional(Encryption),
    labels: labels('Labels of the disk. Ignored for `SCRATCH`.'),
    provisionedIops: integer('Operations per second, for types that take them.', 3000),
    provisionedThroughput: integer('MB per second, for types that take them.', 140),
    storagePool: text('Storage pool that the disk is made in.', 'projects/demo-project/zones/z/storagePools/pool'),
  },
  open,
)

const NetworkInterface = Type.Object(
  {
    network: text(
      'Name of the network, or the path of one in another project. This, `subnetwork` or both are required.',
      'default',
    ),
    subnetwork: text('Name of the subnetwork, in the region; or the path of one in another project.', 'nodes'),
    disableExternalIP: flag('`true`: no external IPv4 address. Default: false, it gets one.', true),
    stackType: text('`IPV4_ONLY` or `IPV4_IPV6`.', 'IPV4_IPV6'),
    ipv6accessType: text('`EXTERNAL` or `INTERNAL`, with `IPV4_IPV6`.', 'EXTERNAL'),
    useAliasIPs: flag('Asks for an alias range also with IPv4 alone. Default: false.', true),
    ipCidrRange: text('Size of the alias range: a slash and 0 to 32.', '/24'),
    subnetworkRangeName: text('Secondary range of the subnetwork that the alias range comes from.', 'pods'),
  },
  open,
)

const Scheduling = Type.Object(
  {
    automaticRestart: flag('Whether Compute Engine starts the VM again when it ends it. Default: false.', true),
    onHostMaintenance: text('Required. `MIGRATE` or `TERMINATE`; with a GPU `TERMINATE`.', 'MIGRATE'),
    preemptible: flag('Whether the VM is preemptible. Default: false.', false),
  },
  { ...open, ...nullable('object', 'Required. What happens at maintenance.', { onHostMaintenance: 'MIGRATE' }) },
)

/** JSON Schema of `MachineClass.providerSpec`. */
export const ProviderSpec = Type.Object(
  {
    apiVersion: text('Accepted and ignored.', 'mcm.gardener.cloud/v1alpha1'),
    machineType: text('Required. Machine type.', 'n2-standard-2'),
    region: text('Required. Region.', 'europe-west1'),
    zone: text('Required. Zone; part of the providerID.', 'europe-west1-b'),
    disks: Type.Optional(
      Type.Array(
        Disk,
        nullable('array', 'Required. Disks.', [{ type: 'pd-balanced', boot: true, sizeGb: 50, image: 'projects/…' }]),
      ),
    ),
    networkInterfaces: Type.Optional(
      Type.Array(NetworkInterface, nullable('array', 'Required. Network interfaces.', [{ subnetwork: 'nodes' }])),
    ),
    scheduling: Type.Optional(Scheduling),
    tags: Type.Optional(
      Type.Array(
        Type.String(),
        nullable(
          'array',
          'Required. Network tags. One contains `kubernetes-io-cluster-`, another `kubernetes-io-role-`: only VMs with the same two are seen.',
          ['kubernetes-io-cluster-shoot--demo--one', 'kubernetes-io-role-node'],
        ),
      ),
    ),
    labels: labels('Labels of the VM.'),
    metadata: Type.Optional(
      Type.Array(
        Type.Object(
          {
            key: text('Key; not `user-data`, which comes from the Secret.', 'block-project-ssh-keys'),
            value: text('Value. Default: the key alone.', 'TRUE'),
          },
          open,
        ),
        nullable('array', 'Metadata of the VM.', [{ key: 'block-project-ssh-keys', value: 'TRUE' }]),
      ),
    ),
    serviceAccounts: Type.Optional(
      Type.Array(
        Type.Object(
          {
            email: text('Service account.', 'nodes@demo-project.iam.gserviceaccount.com'),
            scopes: Type.Optional(
              Type.Array(
                Type.String(),
                nullable('array', 'What it may do.', ['https://www.googleapis.com/auth/cloud-platform']),
              ),
            ),
          },
          open,
        ),
        nullable('array', 'Service accounts that programs in the VM may act as.', [
          { email: 'nodes@demo-project.iam.gserviceaccount.com', scopes: ['…/auth/cloud-platform'] },
        ]),
      ),
    ),
    gpu: Type.Optional(
      Type.Object(
        {
          acceleratorType: text('Required. Type of the GPU.', 'nvidia-tesla-t4'),
          count: integer('Required. How many, at least 1.', 1),
        },
        { ...open, ...nullable('object', 'GPUs.', { acceleratorType: 'nvidia-tesla-t4', count: 1 }) },
      ),
    ),
    canIpForward: flag('Whether the VM may send packets of other addresses. Default: false.', true),
    deletionProtection: flag(
      'Protects the VM from deletion, also by DeleteMachine, until somebody lifts it. Default: false.',
      false,
    ),
    description: text('Description of the VM.', 'node of cluster one'),
    minCpuPlatform: text('Oldest CPU platform that will do.', 'Intel Ice Lake'),
    shieldedInstanceConfiguration: Type.Optional(
      Type.Object(
        {
          integrityMonitoring: flag("Integrity monitoring. Default: the image's and type's.", true),
          secureBoot: flag('Secure Boot. Default: off.', true),
          vtpm: flag("Virtual TPM. Default: the image's and type's.", true),
        },
        { ...open, ...nullable('object', 'Shielded VM. What is false is switched off.', { secureBoot: true }) },
      ),
    ),
    advancedMachineFeatures: Type.Optional(
      Type.Object(
        { enableNestedVirtualization: flag('Nested virtualisation. Default: off.', true) },
        { ...open, ...nullable('object', 'Features of the CPU.', { enableNestedVirtualization: true }) },
      ),
    ),
  },
  { ...open, $id: 'https://mcm.dev/schemas/gcp-provider-spec.json', title: 'providerSpec of provider GCP' },
)

/** `MachineClass.providerSpec`, decoded: no nulls, names in their own case. */
export type ProviderSpec = Static<typeof ProviderSpec>
