import type {
  AssignIpv6AddressesRequest,
  DescribeImagesRequest,
  DescribeInstancesRequest,
  ModifyNetworkInterfaceAttributeRequest,
  RunInstancesRequest,
  TerminateInstancesRequest,
} from '@aws-sdk/client-ec2'
import { passes } from './filters.ts'
import { checkLaunch, type FakeInstance, fingerprintOf, makeInstance, shown } from './instance.ts'
import { QueryError } from './query-error.ts'

/** How a fake account behaves. */
export interface Behaviour {
  /** Describes that do not show a new instance yet. */
  hiddenFor: number
  /** Describes that show a new instance without its DNS name. */
  namelessFor: number
  /** Instances on a page when the caller does not say. */
  pageSize: number
  /** Answers the same token again and again. */
  repeatsToken: boolean
}

/** What is in a fake account, and what requests do to it. */
export class FakeAccount {
  readonly behaviour: Behaviour = { hiddenFor: 0, namelessFor: 0, pageSize: 1000, repeatsToken: false }
  /** Images, by id: the name of the root device. */
  readonly images = new Map([['ami-0123456789abcdef0', '/dev/xvda']])
  readonly instances: FakeInstance[] = []

  describeImages({ ImageIds = [] }: DescribeImagesRequest) {
    const Images = ImageIds.map((ImageId) => {
      if (!/^ami-[0-9a-f]+$/.test(ImageId)) throw new QueryError('InvalidAMIID.Malformed', `Invalid id: "${ImageId}"`)
      const RootDeviceName = this.images.get(ImageId)
      if (!RootDeviceName) throw new QueryError('InvalidAMIID.NotFound', `The image id '[${ImageId}]' does not exist`)
      return { ImageId, RootDeviceName, State: 'available' }
    })
    return { Images }
  }

  runInstances(request: RunInstancesRequest, region: string) {
    const { ClientToken, MinCount, MaxCount, ImageId = '' } = request
    if (MinCount === undefined || MaxCount === undefined) {
      throw new QueryError('MissingParameter', 'The request must contain MinCount and MaxCount')
    }
    const known = ClientToken === undefined ? [] : this.instances.filter((i) => i.request.ClientToken === ClientToken)
    if (known.length > 0) return { Instances: this.#again(known, request).map((i) => shown(i, region)) }
    this.describeImages({ ImageIds: [ImageId] })
    checkLaunch(request)
    const made = Array.from({ length: MaxCount }, (_, i) => makeInstance(this.instances.length + i + 1, request))
    const { hiddenFor, namelessFor } = this.behaviour
    this.instances.push(...made.map((instance) => Object.assign(instance, { hiddenFor, namelessFor })))
    return { Instances: made.map((instance) => shown(instance, region)) }
  }

  /** The same token is the same launch, unless it asks for something else, or what it made has ended. */
  #again(known: readonly FakeInstance[], request: RunInstancesRequest): readonly FakeInstance[] {
    if (known.some(({ fingerprint }) => fingerprint !== fingerprintOf(request))) {
      const text = 'Arguments on this idempotent request are inconsistent with arguments used in previous request(s)'
      throw new QueryError('IdempotentParameterMismatch', text)
    }
    if (known.some(({ state }) => state === 'terminated' || state === 'shutting-down')) {
      throw new QueryError('IdempotentInstanceTerminated', 'The instance that was launched with this token has ended')
    }
    return known
  }

  describeInstances(request: DescribeInstancesRequest, region: string) {
    const { InstanceIds, Filters = [], MaxResults, NextToken } = request
    if (InstanceIds && MaxResults !== undefined) {
      throw new QueryError('InvalidParameterCombination', 'The parameter instancesSet cannot be used with maxResults')
    }
    const visible = this.instances.filter((instance) => this.#look(instance))
    const wanted = InstanceIds ? InstanceIds.map((id) => find(visible, id)) : visible
    const found = wanted.filter((instance) => passes(instance, Filters))
    const start = Number(NextToken ?? 0)
    const end = start + (MaxResults ?? this.behaviour.pageSize)
    const page = found.slice(start, end)
    const next = end < found.length ? String(end) : undefined
    return {
      Reservations: page.map((instance) => ({
        ReservationId: instance.id.replace('i-', 'r-'),
        Instances: [shown(instance, region)],
      })),
      NextToken: this.behaviour.repeatsToken ? '0' : next,
    }
  }

  /** Each look brings an instance a step further. @returns Whether it is to be seen. */
  #look(instance: FakeInstance): boolean {
    if (instance.hiddenFor > 0) {
      instance.hiddenFor--
      return false
    }
    if (instance.namelessFor > 0) instance.namelessFor--
    if (instance.state === 'pending') instance.state = 'running'
    if (instance.state === 'shutting-down') instance.state = 'terminated'
    return true
  }

  terminateInstances({ InstanceIds = [], DryRun }: TerminateInstancesRequest) {
    const ended = InstanceIds.map((id) => find(this.instances, id))
    if (DryRun) throw new QueryError('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412)
    const TerminatingInstances = ended.map((instance) => {
      const PreviousState = { Name: instance.state }
      if (instance.state !== 'terminated') instance.state = 'shutting-down'
      return { InstanceId: instance.id, PreviousState, CurrentState: { Name: instance.state } }
    })
    return { TerminatingInstances }
  }

  modifyNetworkInterface({ NetworkInterfaceId = '', SourceDestCheck }: ModifyNetworkInterfaceAttributeRequest) {
    const nic = this.#nic(NetworkInterfaceId)
    if (nic.InterfaceType !== 'interface') {
      throw new QueryError('OperationNotPermitted', `You cannot change the check of ${nic.InterfaceType} interfaces`)
    }
    nic.SourceDestCheck = SourceDestCheck?.Value
    return {}
  }

  assignIpv6Addresses({ NetworkInterfaceId = '', Ipv6PrefixCount = 0 }: AssignIpv6AddressesRequest) {
    if (Ipv6PrefixCount < 1)
      throw new QueryError('InvalidParameterValue', `Invalid value '${Ipv6PrefixCount}' for prefixes`)
    const nic = this.#nic(NetworkInterfaceId)
    const before = nic.Ipv6Prefixes?.length ?? 0
    const added = Array.from({ length: Ipv6PrefixCount }, (_, i) => `2001:db8:1:${before + i}::/80`)
    nic.Ipv6Prefixes = [...(nic.Ipv6Prefixes ?? []), ...added.map((Ipv6Prefix) => ({ Ipv6Prefix }))]
    return { NetworkInterfaceId, AssignedIpv6Prefixes: added }
  }

  #nic(id: string) {
    const nic = this.instances.flatMap(({ nics }) => nics).find(({ NetworkInterfaceId }) => NetworkInterfaceId === id)
    if (!nic)
      throw new QueryError('InvalidNetworkInterfaceID.NotFound', `The networkInterface ID '${id}' does not exist`)
    return nic
  }
}

function find(instances: readonly FakeInstance[], id: string): FakeInstance {
  if (!/^i-[0-9a-f]{8,17}$/.test(id)) throw new QueryError('InvalidInstanceID.Malformed', `Invalid id: "${id}"`)
  const instance = instances.find((candidate) => candidate.id === id)
  if (!instance) throw new QueryError('InvalidInstanceID.NotFound', `The instance ID '${id}' does not exist`)
  return instance
}
