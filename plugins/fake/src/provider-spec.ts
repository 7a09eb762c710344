import { type Static, Type } from '@mcm/sdk'

/** JSON Schema of `MachineClass.providerSpec`. */
export const providerSpec = Type.Object(
  {
    region: Type.String({
      description: 'Region of the simulated cloud: eu-1 or us-1.',
      examples: ['eu-1'],
      pattern: '^[a-z]+-[0-9]+$',
    }),
    zone: Type.String({
      description: 'Zone of the region: eu-1a, eu-1b, eu-1c, us-1a or us-1b.',
      examples: ['eu-1a'],
      pattern: '^[a-z]+-[0-9]+[a-z]$',
    }),
    machineType: Type.String({
      description: 'Size of the VM: small-1 (1 CPU, 2 GiB), medium-2 (2, 8), large-4 (4, 16) or xlarge-16 (16, 64).',
      examples: ['medium-2'],
      minLength: 1,
    }),
    image: Type.String({
      description: 'Image that the VM starts from: linux-1, linux-2 or linux-big-1 (which needs a disk of 100 GiB).',
      examples: ['linux-1'],
      minLength: 1,
    }),
    tags: Type.Record(Type.String(), Type.String({ maxLength: 256 }), {
      description:
        'Tags of the VM. Exactly one has a key of the form kubernetes.io/cluster/<name>: it tells the clusters of an ' +
        'account apart. A VM without that tag is never touched.',
      examples: [{ 'kubernetes.io/cluster/demo': '1', 'kubernetes.io/role/node': '1' }],
      minProperties: 1,
      maxProperties: 50,
    }),
    disk: Type.Object(
      {
        sizeGiB: Type.Integer({
          description: 'Size of the boot disk in GiB. Images need at least 10.',
          examples: [50],
          minimum: 1,
          maximum: 16_384,
          default: 20,
        }),
        type: Type.Union([Type.Literal('ssd'), Type.Literal('standard')], {
          description: 'Kind of the boot disk.',
          examples: ['standard'],
          default: 'ssd',
        }),
      },
      { description: 'The boot disk.', examples: [{ sizeGiB: 50 }], default: {}, additionalProperties: false },
    ),
    networks: Type.Array(
      Type.Object(
        {
          subnet: Type.String({
            description: 'Name of the subnet. The cloud has every subnet.',
            examples: ['nodes'],
            minLength: 1,
          }),
          publicAddress: Type.Boolean({
            description: 'Whether the VM gets a public address in it.',
            examples: [true],
            default: false,
          }),
        },
        { additionalProperties: false },
      ),
      {
        description: 'Network interfaces of the VM, the first one being the main one.',
        examples: [[{ subnet: 'nodes', publicAddress: true }]],
        default: [{ subnet: 'default', publicAddress: false }],
        minItems: 1,
        maxItems: 8,
      },
    ),
    spot: Type.Boolean({
      description: "Whether the cloud may take the VM back, which it does after its setting 'spotLifetimeMs'.",
      examples: [true],
      default: false,
    }),
    bootSeconds: Type.Number({
      description: 'Seconds from creation until the VM runs.',
      examples: [30],
      minimum: 0,
      maximum: 86_400,
      default: 0,
    }),
    initialization: Type.Union([Type.Literal('none'), Type.Literal('required')], {
      description:
        'Whether the VM is of use only after InitializeMachine. GetMachineStatus answers Uninitialized until then.',
      examples: ['required'],
      default: 'none',
    }),
    endpoint: Type.Optional(
      Type.String({
        description:
          'Which simulated cloud: the URL of the file that holds its state, which need not exist yet. ' +
          'Default: one for the user that the plugin runs as, among the temporary files.',
        examples: ['file:///var/lib/mcm-fake/cloud.db'],
        pattern: '^file:///',
      }),
    ),
  },
  { additionalProperties: false },
)

/** `MachineClass.providerSpec`, valid and with its defaults. */
export type FakeSpec = Static<typeof providerSpec>
