import { type Static, Type } from '@mcm/sdk'

const strict = { additionalProperties: false }
// What libvirt, QEMU and file systems take without surprises; libvirt itself accepts `a b;$(id)`.
const plainName = { pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$', minLength: 1, maxLength: 63 }
const absolutePath = { pattern: '^/[^\\u0000-\\u001f\\u007f-\\u009f]*$', maxLength: 1024 }
const format = Type.Union([Type.Literal('qcow2'), Type.Literal('raw')], {
  default: 'qcow2',
  description: 'Format of the image.',
})

const Image = Type.Union(
  [
    Type.Object(
      {
        path: Type.String({
          ...absolutePath,
          description: 'A file on the host that libvirtd runs on.',
          examples: ['/var/lib/images/debian.qcow2'],
        }),
        format: Type.Optional(format),
      },
      strict,
    ),
    Type.Object(
      {
        url: Type.String({
          pattern: '^https?://',
          maxLength: 2048,
          description: 'Fetched once, checked, and kept in the pool.',
        }),
        sha256: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Checksum of what the URL gives.' }),
        format: Type.Optional(format),
      },
      strict,
    ),
    Type.Object(
      {
        volume: Type.String({ ...plainName, maxLength: 200, description: 'A volume that is there already.' }),
        pool: Type.Optional(Type.String({ ...plainName, description: 'Its pool. Default: the pool of the disks.' })),
      },
      strict,
    ),
  ],
  { description: "What the VM's disk starts from. It is never written to, and must not change while VMs use it." },
)

const Network = Type.Union(
  [
    Type.Object(
      {
        type: Type.Literal('user', { description: "QEMU's own network: no rights needed, out only." }),
        forwards: Type.Optional(
          Type.Array(
            Type.Object(
              {
                hostPort: Type.Integer({ minimum: 1, maximum: 65535 }),
                guestPort: Type.Integer({ minimum: 1, maximum: 65535 }),
              },
              strict,
            ),
            {
              description: "TCP ports of the host's loopback that lead into the VM. Fits classes of one machine only.",
            },
          ),
        ),
      },
      strict,
    ),
    Type.Object(
      {
        type: Type.Literal('network'),
        name: Type.String({ ...plainName, description: 'A network of libvirt, such as `default` (NAT).' }),
      },
      strict,
    ),
    Type.Object(
      {
        type: Type.Literal('bridge'),
        name: Type.String({ ...plainName, maxLength: 15, description: 'A bridge of the host.' }),
      },
      strict,
    ),
  ],
  { description: 'One network card.' },
)

/** JSON Schema of `MachineClass.providerSpec`. */
export const ProviderSpec = Type.Object(
  {
    uri: Type.String({
      default: 'qemu:///system',
      maxLength: 512,
      description: 'The libvirtd to use: `qemu:///system`, `qemu:///session`, or `qemu+unix:///session?socket=/path`.',
    }),
    cluster: Type.String({
      pattern: '^[A-Za-z0-9][A-Za-z0-9.-]*$',
      minLength: 1,
      maxLength: 100,
      description: 'Name of the cluster. VMs are tagged with it; VMs of other clusters are never touched.',
    }),
    image: Image,
    cpus: Type.Integer({ minimum: 1, maximum: 512, default: 1, description: 'Virtual CPUs.' }),
    memoryMiB: Type.Integer({ minimum: 32, maximum: 16 * 1024 * 1024, description: 'Memory in MiB.' }),
    diskGiB: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 65536,
        description: "Size of the disk in GiB, not less than the image's. Default: the image's.",
      }),
    ),
    pool: Type.Object(
      {
        name: Type.String({
          ...plainName,
          default: 'mcm',
          description: 'Storage pool of libvirt for disks, seeds and console logs.',
        }),
        path: Type.Optional(
          Type.String({
            ...absolutePath,
            description: 'Folder of the pool. Needed when the pool does not exist: it is made then.',
          }),
        ),
      },
      { ...strict, default: {}, description: 'Where disks live.' },
    ),
    networks: Type.Array(Network, {
      default: [{ type: 'user' }],
      maxItems: 8,
      description: 'Network cards, in order.',
    }),
    firmware: Type.Union([Type.Literal('bios'), Type.Literal('efi')], {
      default: 'bios',
      description: 'How the VM boots.',
    }),
    machineType: Type.String({ ...plainName, default: 'q35', description: "QEMU's machine type." }),
    virtType: Type.Union([Type.Literal('auto'), Type.Literal('kvm'), Type.Literal('qemu')], {
      default: 'auto',
      description: '`kvm` needs the hardware, `qemu` emulates it; `auto` takes KVM where it works.',
    }),
    tags: Type.Record(
      Type.String({ pattern: '^[A-Za-z0-9./_-]{1,128}$' }),
      Type.String({ pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]*$', maxLength: 1024 }),
      { ...strict, default: {}, description: "More tags for the VM, kept in the domain's metadata." },
    ),
  },
  { ...strict, $id: 'https://mcm.dev/schemas/libvirt-provider-spec.json', title: 'providerSpec of provider libvirt' },
)

/** `MachineClass.providerSpec`, valid, with its defaults. */
export type ProviderSpec = Static<typeof ProviderSpec>
