import { create, toBinary } from '@bufbuild/protobuf'
import { CreateMachineRequestSchema } from '@mcm/sdk/contract'

const spec = {
  region: 'eu-west-1',
  disks: Array.from({ length: 8 }, (_, i) => ({
    device: `/dev/sd${i}`,
    sizeGiB: 50 + i,
    type: 'ssd',
    encrypted: true,
  })),
  tags: Object.fromEntries(
    Array.from({ length: 26 }, (_, i) => [`kubernetes.io/cluster/shoot--project--${i}`, `value-${i}`]),
  ),
}

/** A CreateMachineRequest with a 2 KiB providerSpec and 8 KiB of user data, encoded. */
export function encodedRequest(name: string, cloudMs = 0): Buffer {
  const request = create(CreateMachineRequestSchema, {
    machine: { metadata: { name, namespace: 'default' }, spec: { class: { kind: 'MachineClass', name: 'bench' } } },
    machineClass: {
      metadata: { name: 'bench', namespace: 'default' },
      provider: 'bench',
      providerSpec: { ...spec, cloudMs },
    },
    secret: { data: { token: Buffer.from('a-token'), userData: Buffer.alloc(8192, 'x') } },
  })
  return Buffer.from(toBinary(CreateMachineRequestSchema, request))
}

export const specBytes = JSON.stringify(spec).length
