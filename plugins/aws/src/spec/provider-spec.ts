import { type Static, Type } from '@mcm/sdk'

const open = { additionalProperties: true }

// Fields may be null, which means absent: Go programs write their unset pointers so. Unknown fields are ignored, as
// upstream ignores them. No field is required by the schema: `validate` knows the needs, and says them in upstream's words.
const text = (description: string, ...examples: string[]) =>
  Type.Optional(Type.Unsafe<string>({ type: ['string', 'null'], description, examples }))
const integer = (description: string, ...examples: number[]) =>
  Type.Optional(
    Type.Unsafe<number>({
      type: ['integer', 'null'],
      minimum: -(2 ** 31),
      maximum: 2 ** 31 - 1,
      description,
      examples,
    }),
  )
const flag = (description: string, example: boolean) =>
  Type.Optional(Type.Unsafe<boolean>({ type: ['boolean', 'null'], description, examples: [example] }))
const nullable = (type: 'array' | 'object', description: string, example: unknown) => ({
  type: [type, 'null'],
  description,
  examples: [example],
})

const Ebs = Type.Object(
  {
    volumeType: text('Required. One of `gp2`, `gp3`, `io1`, `io2`, `st1`, `sc1`, `standard`.', 'gp3'),
    volumeSize: integer('Required. Size in GiB.', 50),
    iops: integer('Operations per second. Needed for `io1` and `io2`, possible for `gp3`.', 3000),
    throughput: integer('MiB per second, for `gp3`.', 125),
    encrypted: flag('Encrypts the volume. Default: false.', true),
    deleteOnTermination: flag('Whether the volume goes with the VM. Default: true.', true),
    snapshotID: text('Snapshot that the volume starts from.', 'snap-0123456789abcdef0'),
    kmsKeyID: text(
      "Key of an encrypted volume. Default: the account's default key. Without `encrypted` it has no effect.",
      'arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-4333-8444-555555555555',
    ),
  },
  { ...open, ...nullable('object', 'Required. The EBS volume.', { volumeType: 'gp3', volumeSize: 50 }) },
)

const BlockDevice = Type.Object(
  {
    deviceName: text(
      '`/root` for the root disk, else `/dev/sd[a-z]` or `/dev/xvd[a-c][a-z]`. A single disk is the root disk and needs no name.',
      '/root',
      '/dev/sdf',
    ),
    ebs: Type.Optional(Ebs),
    noDevice: text('Accepted and ignored.', ''),
    virtualName: text('Accepted and ignored.', 'ephemeral0'),
  },
  open,
)

const NetworkInterface = Type.Object(
  {
    subnetID: text('Required. Subnet.', 'subnet-0123456789abcdef0'),
    securityGroupIDs: Type.Optional(
      Type.Array(
        Type.String(),
        nullable('array', 'Required. Security groups, at least one.', ['sg-0123456789abcdef0']),
      ),
    ),
    associatePublicIPAddress: flag("Gives it a public IPv4 address. Default: the subnet's setting.", false),
    deleteOnTermination: flag('Whether it goes with the VM. Default: true.', true),
    description: text('Description of the interface.', 'nodes'),
    deviceIndex: integer('Position among the devices of its card. Default: position in this list.', 0),
    networkCardIndex: integer('Network card, for instance types with several.', 1),
    interfaceType: text('`interface`, `efa` or `efa-only`. Default: `interface`.', 'efa'),
    ipv6AddressCount: integer('IPv6 addresses that it gets at launch.', 1),
    primaryIpv6: flag('Makes the first IPv6 address primary. Default: true with `ipv6AddressCount`.', true),
    ipv6PrefixCount: integer('IPv6 prefixes (/80) that InitializeMachine assigns.', 1),
  },
  open,
)

const CapacityReservation = Type.Object(
  {
    capacityReservationPreference: text(
      '`open`, `none` or `capacity-reservations-only`; not with an id or ARN.',
      'open',
    ),
    capacityReservationId: text('One reservation; not with an ARN.', 'cr-0123456789abcdef0'),
    capacityReservationResourceGroupArn: text(
      'A group of reservations; not with an id.',
      'arn:aws:resource-groups:eu-west-1:123456789012:group/reservations',
    ),
  },
  { ...open, ...nullable('object', 'Which capacity reservations to use.', { capacityReservationPreference: 'open' }) },
)

const MetadataOptions = Type.Object(
  {
    httpPutResponseHopLimit: integer('Hops that a token may travel, 0 to 64.', 2),
    httpEndpoint: text('`enabled` or `disabled`.', 'enabled'),
    httpTokens: text('`required` (IMDSv2 only) or `optional`.', 'required'),
    httpProtocolIpv6: text('`enabled` or `disabled`.', 'disabled'),
  },
  {
    ...open,
    ...nullable('object', "The instance metadata service. Violations name it `instanceMetadata`, as upstream's do.", {
      httpTokens: 'required',
      httpPutResponseHopLimit: 2,
    }),
  },
)

const CpuOptions = Type.Object(
  {
    amdSevSnp: text('`enabled` or `disabled`.', 'enabled'),
    coreCount: integer('Cores; together with `threadsPerCore`.', 4),
    threadsPerCore: integer('1 or 2; together with `coreCount`.', 1),
  },
  { ...open, ...nullable('object', 'CPU options.', { coreCount: 4, threadsPerCore: 1 }) },
)

const Placement = Type.Object(
  {
    groupId: text('Placement group.', 'pg-0123456789abcdef0'),
    tenancy: text('`default`, `dedicated` or `host`.', 'default'),
    affinity: text('`default` or `host`.', 'host'),
    hostId: text('Dedicated host; only with tenancy `host`.', 'h-0123456789abcdef0'),
    partitionNumber: integer('Partition of the placement group, from 1.', 1),
  },
  {
    ...open,
    ...nullable(
      'object',
      'Where the VM runs. Even an empty one switches off the annotation `machine.sapcloud.io/awsPlacement`.',
      { tenancy: 'dedicated' },
    ),
  },
)

/** JSON Schema of `MachineClass.providerSpec`. */
export const ProviderSpec = Type.Object(
  {
    apiVersion: text('Accepted and ignored.', 'mcm.gardener.cloud/v1alpha1'),
    ami: text('Required. Image.', 'ami-0123456789abcdef0'),
    region: text('Required. Region; part of the providerID.', 'eu-west-1'),
    machineType: text('Required. Instance type.', 'm5.large'),
    iam: Type.Optional(
      Type.Object(
        {
          name: text('Name of the instance profile.', 'nodes'),
          arn: text('ARN of the instance profile.', 'arn:aws:iam::123456789012:instance-profile/nodes'),
        },
        { ...open, ...nullable('object', 'Required. Instance profile: either `name` or `arn`.', { name: 'nodes' }) },
      ),
    ),
    blockDevices: Type.Optional(
      Type.Array(
        BlockDevice,
        nullable('array', 'Required. Disks. With more than one, exactly one is `/root`.', [
          { ebs: { volumeType: 'gp3', volumeSize: 50 } },
        ]),
      ),
    ),
    networkInterfaces: Type.Optional(
      Type.Array(
        NetworkInterface,
        nullable('array', 'Required. Network interfaces.', [
          { subnetID: 'subnet-0123456789abcdef0', securityGroupIDs: ['sg-0123456789abcdef0'] },
        ]),
      ),
    ),
    tags: Type.Optional(
      Type.Record(
        Type.String(),
        Type.String(),
        nullable(
          'object',
          'Required. Tags of the VM, its volumes and network interfaces. One key begins with `kubernetes.io/cluster/`, another with `kubernetes.io/role/`: only VMs with both keys are seen. `Name` is always the name of the Machine.',
          { 'kubernetes.io/cluster/shoot--demo--one': '1', 'kubernetes.io/role/node': '1' },
        ),
      ),
    ),
    keyName: text('SSH key pair.', 'nodes'),
    capacityReservation: Type.Optional(CapacityReservation),
    spotPrice: text(
      'Deprecated: use `instanceMarketOptions`. Makes a spot VM; the text is the highest price per hour, an empty one sets no limit.',
      '',
      '0.05',
    ),
    instanceMarketOptions: Type.Optional(
      Type.Object(
        { marketType: text('Required. `spot`, `capacity-block` or `interruptible-capacity-reservation`.', 'spot') },
        { ...open, ...nullable('object', 'How the VM is bought. Wins over `spotPrice`.', { marketType: 'spot' }) },
      ),
    ),
    srcAndDstChecksEnabled: flag(
      '`false` switches off the source/destination check of each network interface but EFAs. Default: true.',
      false,
    ),
    instanceMetadataOptions: Type.Optional(MetadataOptions),
    cpuOptions: Type.Optional(CpuOptions),
    placement: Type.Optional(Placement),
    ebsOptimized: flag('Dedicated throughput to EBS. Default: what the instance type does.', true),
    monitoring: flag('Detailed monitoring. Default: false.', true),
  },
  { ...open, $id: 'https://mcm.dev/schemas/aws-provider-spec.json', title: 'providerSpec of provider AWS' },
)

/** `MachineClass.providerSpec`, decoded: no nulls, names in their own case. */
export type ProviderSpec = Static<typeof ProviderSpec>
