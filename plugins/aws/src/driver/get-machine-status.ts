import { type CallContext, type Machine, MachineError, type MachineVm } from '@mcm/sdk'
import { type AwsCall, machineOf } from './call.ts'
import { findOne } from './find-one.ts'
import { type Vm, vmOf } from './instance.ts'
import { type SetupStep, setupSteps } from './setup-steps.ts'

/** Finds the VM of a Machine, and says what InitializeMachine has yet to do. */
export async function getMachineStatus(call: AwsCall, context: CallContext): Promise<MachineVm> {
  const { spec, name } = machineOf(call)
  const { vm, region } = await findOne(call, context)
  const identity = vmOf(region, vm, nodeNameOf(vm, call.machine))
  const [step] = setupSteps(spec, vm)
  if (step) throw MachineError.uninitialized(identity, describe(step, vm, name))
  return identity
}

/** The contract knows no VM without a node name. EC2 gives one a moment after the launch, in most subnets. */
function nodeNameOf({ PrivateDnsName, InstanceId }: Vm, { metadata }: Machine): string {
  if (PrivateDnsName) return PrivateDnsName
  // It will never be a node, and its deletion must not wait for that.
  if (metadata.deletionTimestamp !== undefined) return InstanceId
  throw new MachineError('Unavailable', `VM ${InstanceId} has no private DNS name yet, which is its node name`)
}

function describe(step: SetupStep, { InstanceId }: Vm, name: string): string {
  const vm = `VM "${InstanceId}" associated with machine "${name}"`
  switch (step.kind) {
    case 'see-interfaces':
      return `${vm} shows no network interfaces yet`
    case 'switch-check-off':
      return `${vm} has SourceDestCheck=true on a non-EFA interface despite providerSpec.SrcAndDstChecksEnabled=false`
    case 'assign-prefixes': {
      const place = `providerSpec.NetworkInterfaces[${step.specIndex}].Ipv6PrefixCount=${step.wanted}`
      return `${vm} has no ipv6 prefixes assigned on network interface "${step.nicId}" despite ${place}`
    }
    default:
      return step satisfies never
  }
}
