import { type CallContext, MachineError, type MachineVm } from '@mcm/sdk'
import { type Ec2, ec2For } from '../cloud/ec2.ts'
import { type AwsCall, machineOf } from './call.ts'
import { findOne } from './find-one.ts'
import { type Vm, vmOf } from './instance.ts'
import { type SetupStep, setupSteps } from './setup-steps.ts'

/** Sets up a VM's network interfaces. What is done already is left alone. */
export async function initializeMachine(call: AwsCall, context: CallContext): Promise<MachineVm> {
  const { spec } = machineOf(call)
  const { vm, region } = await findOne(call, context).catch(asUninitialized)
  const ec2 = await ec2For(region, call.secret, context)
  const failures: unknown[] = []
  for (const step of setupSteps(spec, vm)) {
    // One that fails does not keep the others from being done.
    await take(ec2, vm, step).catch((error: unknown) => failures.push(error))
    context.signal.throwIfAborted()
  }
  if (failures.length > 0) {
    const message = failures.map((error) => MachineError.from(error).message).join('; ')
    throw new MachineError('Uninitialized', message, { ...vmOf(region, vm), cause: failures[0] })
  }
  return vmOf(region, vm)
}

async function take(ec2: Ec2, { InstanceId }: Vm, step: SetupStep): Promise<void> {
  switch (step.kind) {
    case 'see-interfaces':
      throw new MachineError('Uninitialized', `no network interfaces found for instanceID ${InstanceId}`)
    case 'switch-check-off':
      await ec2.modifyNetworkInterface({ NetworkInterfaceId: step.nicId, SourceDestCheck: { Value: false } })
      return
    case 'assign-prefixes':
      await ec2.assignIpv6Addresses({ NetworkInterfaceId: step.nicId, Ipv6PrefixCount: step.missing })
      return
    default:
      step satisfies never
  }
}

/** A VM that cannot be seen yet is one that has yet to be set up; upstream's text says so within its own. */
function asUninitialized(error: unknown): never {
  if (!MachineError.is(error) || error.code !== 'NotFound') throw error
  const text = `machine codes error: code = [${error.code}] message = [${error.message}]`
  throw new MachineError('Uninitialized', text, { cause: error })
}
