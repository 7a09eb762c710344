import { createHash } from 'node:crypto'
import type { Instance, InstanceNetworkInterface, RunInstancesRequest, Tag } from '@aws-sdk/client-ec2'
import { QueryError } from './query-error.ts'

/** An instance of the fake, and what only the fake knows. */
export interface FakeInstance {
  id: string
  request: RunInstancesRequest
  fingerprint: string
  state: 'pending' | 'running' | 'shutting-down' | 'terminated'
  tags: Tag[]
  nics: InstanceNetworkInterface[]
  /** Describes that do not show it yet. */
  hiddenFor: number
  /** Describes that show it without a DNS name. */
  namelessFor: number
  privateIp: string
}

const id = (prefix: string, n: number) => `${prefix}-${n.toString(16).padStart(17, '0')}`

/** The n-th instance, as a request asks for it. */
export function makeInstance(n: number, request: RunInstancesRequest): FakeInstance {
  const privateIp = `10.250.${Math.floor(n / 250)}.${(n % 250) + 4}`
  const nics = (request.NetworkInterfaces ?? []).map((nic, i): InstanceNetworkInterface => {
    return {
      NetworkInterfaceId: id('eni', n * 16 + i),
      SubnetId: nic.SubnetId,
      Description: nic.Description,
      SourceDestCheck: true,
      InterfaceType: nic.InterfaceType ?? 'interface',
      Attachment: { DeviceIndex: nic.DeviceIndex, NetworkCardIndex: nic.NetworkCardIndex ?? 0, Status: 'attached' },
      Ipv6Addresses: Array.from({ length: nic.Ipv6AddressCount ?? 0 }, (_, k) => {
        return { Ipv6Address: `2001:db8::${n.toString(16)}:${k + 1}` }
      }),
      Ipv6Prefixes: [],
    }
  })
  return {
    id: id('i', n),
    request,
    fingerprint: fingerprintOf(request),
    state: 'pending',
    tags: request.TagSpecifications?.find(({ ResourceType }) => ResourceType === 'instance')?.Tags ?? [],
    nics,
    hiddenFor: 0,
    namelessFor: 0,
    privateIp,
  }
}

/** What two requests with one client token have to have in common: all but the token. */
export function fingerprintOf({ ClientToken: _, ...request }: RunInstancesRequest): string {
  return createHash('sha256').update(JSON.stringify(request)).digest('hex')
}

/** The instance as the API shows it. */
export function shown(instance: FakeInstance, region: string): Instance {
  const { request, privateIp } = instance
  const name = `ip-${privateIp.replaceAll('.', '-')}.${region}.compute.internal`
  return {
    InstanceId: instance.id,
    ImageId: request.ImageId,
    InstanceType: request.InstanceType,
    State: { Name: instance.state, Code: stateCodes[instance.state] },
    PrivateDnsName: instance.namelessFor > 0 ? '' : name,
    PrivateIpAddress: privateIp,
    SubnetId: request.NetworkInterfaces?.[0]?.SubnetId,
    SourceDestCheck: true,
    ClientToken: request.ClientToken,
    Tags: instance.tags,
    NetworkInterfaces: instance.state === 'terminated' ? [] : instance.nics,
    EbsOptimized: request.EbsOptimized ?? false,
    Monitoring: { State: request.Monitoring?.Enabled ? 'enabled' : 'disabled' },
    Placement: { Tenancy: 'default', ...request.Placement },
  }
}

const stateCodes = { pending: 0, running: 16, 'shutting-down': 32, terminated: 48 }

/** What EC2 refuses in a launch. */
export function checkLaunch(request: RunInstancesRequest): void {
  const refuse = (message: string, code = 'InvalidParameterValue'): never => {
    throw new QueryError(code, message)
  }
  if (!request.InstanceType) refuse('The request must contain InstanceType', 'MissingParameter')
  if (Buffer.from(request.UserData ?? '', 'base64').length > 16384) refuse('User data is limited to 16384 bytes')
  for (const { DeviceName, Ebs = {} } of request.BlockDeviceMappings ?? []) {
    const { VolumeType: type, Iops: iops, Throughput: throughput } = Ebs
    if (!DeviceName) refuse('The request must contain DeviceName', 'MissingParameter')
    if ((type === 'io1' || type === 'io2') && iops === undefined) {
      refuse(`The parameter iops must be specified for ${type} volumes`, 'MissingParameter')
    }
    if (iops !== undefined && !['io1', 'io2', 'gp3'].includes(type ?? '')) {
      refuse(`The parameter iops is not supported for ${type} volumes`, 'InvalidParameterCombination')
    }
    if (throughput !== undefined && type !== 'gp3') {
      refuse(`The parameter throughput is not supported for ${type} volumes`, 'InvalidParameterCombination')
    }
    if (Ebs.KmsKeyId && !Ebs.Encrypted) refuse('KmsKeyId needs Encrypted', 'InvalidParameterDependency')
  }
  const names = (request.BlockDeviceMappings ?? []).map(({ DeviceName }) => DeviceName)
  if (new Set(names).size < names.length) refuse('a device name is used twice', 'InvalidBlockDeviceMapping')
  const places = (request.NetworkInterfaces ?? []).map((nic) => `${nic.NetworkCardIndex ?? 0}/${nic.DeviceIndex}`)
  if (new Set(places).size < places.length) refuse('each network interface needs a device index of its own')
  for (const { Tags = [] } of request.TagSpecifications ?? []) {
    if (Tags.length > 50) refuse('a resource has at most 50 tags', 'TagLimitExceeded')
    if (Tags.some(({ Key = '' }) => Key.toLowerCase().startsWith('aws:')))
      refuse('Tag keys starting with aws: are reserved')
  }
}
