import type { JsonObject, Machine, MachineClass, Secret } from '@mcm/sdk'

/** The ids of a network, and of other things that a VM needs, in an account. */
export interface Account {
  ami: string
  subnet: string
  group: string
}

/** The tags of VMs of these tests. */
export const tags = { 'kubernetes.io/cluster/shoot--demo--one': '1', 'kubernetes.io/role/node': '1' }

/** A class of provider AWS, and some of its spec changed. */
export function awsClass({ ami, subnet, group }: Account, changes: JsonObject = {}): MachineClass {
  return {
    metadata: { name: 'class-1', namespace: 'default' },
    provider: 'AWS',
    providerSpec: {
      ami,
      region: 'eu-west-1',
      machineType: 'm5.large',
      iam: { name: 'nodes-profile' },
      blockDevices: [{ ebs: { volumeSize: 50, volumeType: 'gp3' } }],
      networkInterfaces: [{ subnetID: subnet, securityGroupIDs: [group] }],
      tags,
      ...changes,
    },
  }
}

/** A Machine. */
export function machine(name: string, providerID?: string): Machine {
  return {
    metadata: { name, namespace: 'default', uid: `uid-of-${name}` },
    spec: { class: { kind: 'MachineClass', name: 'class-1' }, ...(providerID !== undefined && { providerID }) },
  }
}

/** A Secret with static keys, or with what is given. */
export function secret(data: Record<string, string> = staticKeys): Secret {
  return { metadata: { name: 'secret-1', namespace: 'default' }, stringData: { userData: '#cloud-config\n', ...data } }
}

const staticKeys = { providerAccessKeyId: 'test-access-key', providerSecretAccessKey: 'test-secret-key' }
