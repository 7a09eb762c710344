import type { RunInstancesCommandInput } from '@aws-sdk/client-ec2'
import { MachineError } from '@mcm/sdk'
import { rootDevice } from '../spec/block-devices.ts'
import type { ProviderSpec } from '../spec/provider-spec.ts'
import type { AnnotatedPlacement } from './placement-annotation.ts'

/** What a launch needs beside the class. */
export interface Launch {
  name: string
  userData: Uint8Array
  /** What the image calls its root disk. */
  imageRoot: string | undefined
  /** From the Machine's annotation; used only where the class has no placement. */
  placement: AnnotatedPlacement | undefined
}

/** The request that launches a VM, without its client token. Empty texts are left out: EC2 refuses many. */
export function runRequest(spec: ProviderSpec, launch: Launch): RunInstancesCommandInput {
  const { instanceMetadataOptions: metadata, cpuOptions: cpu, capacityReservation: reservation } = spec
  const tags = [
    ...Object.entries(spec.tags ?? {}).filter(([key]) => key !== 'Name'),
    ['Name', launch.name] as const,
  ].map(([Key, Value]) => ({ Key, Value }))
  const request = {
    MinCount: 1,
    MaxCount: 1,
    ImageId: spec.ami,
    InstanceType: spec.machineType,
    UserData: Buffer.from(launch.userData).toString('base64'),
    KeyName: spec.keyName,
    IamInstanceProfile: { Name: spec.iam?.name, Arn: spec.iam?.arn },
    BlockDeviceMappings: blockDevices(spec, launch.imageRoot),
    NetworkInterfaces: networkInterfaces(spec),
    MetadataOptions: metadata && {
      HttpPutResponseHopLimit: metadata.httpPutResponseHopLimit,
      HttpEndpoint: metadata.httpEndpoint,
      HttpTokens: metadata.httpTokens,
      HttpProtocolIpv6: metadata.httpProtocolIpv6,
    },
    CpuOptions: cpu && { AmdSevSnp: cpu.amdSevSnp, CoreCount: cpu.coreCount, ThreadsPerCore: cpu.threadsPerCore },
    CapacityReservationSpecification: reservation && {
      CapacityReservationPreference: reservation.capacityReservationPreference,
      CapacityReservationTarget: {
        CapacityReservationId: reservation.capacityReservationId,
        CapacityReservationResourceGroupArn: reservation.capacityReservationResourceGroupArn,
      },
    },
    InstanceMarketOptions: marketOptions(spec),
    Placement: placement(spec, launch.placement),
    // Only where they change something: what upstream's VMs get stays as it is.
    EbsOptimized: spec.ebsOptimized || undefined,
    Monitoring: spec.monitoring ? { Enabled: true } : undefined,
  }
  return {
    // Tag values may be empty.
    ...(withoutEmpty(request) as RunInstancesCommandInput),
    TagSpecifications: (['instance', 'volume', 'network-interface'] as const).map((ResourceType) => {
      return { ResourceType, Tags: tags }
    }),
  }
}

function blockDevices({ blockDevices: devices = [] }: ProviderSpec, imageRoot: string | undefined) {
  if (devices.length === 0) throw new MachineError('InvalidArgument', 'no block devices passed')
  const mappings = devices.map(({ deviceName, ebs = {} }) => {
    const isRoot = devices.length === 1 || deviceName === rootDevice
    if (isRoot && !imageRoot) throw new MachineError('InvalidArgument', 'rootDeviceName cannot be nil')
    return {
      DeviceName: isRoot ? imageRoot : deviceName,
      Ebs: {
        Encrypted: ebs.encrypted ?? false,
        VolumeSize: ebs.volumeSize,
        VolumeType: ebs.volumeType,
        DeleteOnTermination: ebs.deleteOnTermination ?? true,
        Throughput: ebs.throughput,
        SnapshotId: ebs.snapshotID,
        Iops: ebs.iops || undefined,
        KmsKeyId: ebs.encrypted ? ebs.kmsKeyID : undefined,
      },
    }
  })
  const clash = mappings.find(({ DeviceName }, i) => mappings.findIndex((m) => m.DeviceName === DeviceName) < i)
  if (clash) {
    const text = `two disks are called ${clash.DeviceName}, which is what the image calls its root disk; name the other one differently`
    throw new MachineError('InvalidArgument', text)
  }
  return mappings
}

function networkInterfaces({ networkInterfaces: nics = [] }: ProviderSpec) {
  return nics.map((nic, i) => ({
    SubnetId: nic.subnetID,
    Groups: nic.securityGroupIDs,
    AssociatePublicIpAddress: nic.associatePublicIPAddress,
    DeleteOnTermination: nic.deleteOnTermination ?? true,
    Description: nic.description,
    DeviceIndex: nic.deviceIndex ?? i,
    NetworkCardIndex: nic.networkCardIndex,
    InterfaceType: nic.interfaceType,
    // None is as good as not asked for.
    Ipv6AddressCount: nic.ipv6AddressCount || undefined,
    PrimaryIpv6: nic.ipv6AddressCount ? (nic.primaryIpv6 ?? true) : undefined,
  }))
}

function marketOptions({ instanceMarketOptions, spotPrice }: ProviderSpec) {
  if (instanceMarketOptions) return { MarketType: instanceMarketOptions.marketType }
  if (spotPrice === undefined) return undefined
  return { MarketType: 'spot', SpotOptions: { SpotInstanceType: 'one-time', MaxPrice: spotPrice } }
}

function placement({ placement: own }: ProviderSpec, annotated: AnnotatedPlacement | undefined) {
  if (!own) return annotated
  return {
    Tenancy: own.tenancy,
    GroupId: own.groupId,
    HostId: own.hostId,
    PartitionNumber: own.partitionNumber,
    Affinity: own.affinity,
  }
}

/** A copy without undefined values, empty texts, and objects that have nothing else in them. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
    .map(([key, item]) => [key, withoutEmpty(item)] as const)
    .filter(([, item]) => item !== undefined && item !== '')
  return entries.length > 0 ? Object.fromEntries(entries) : undefined
}
