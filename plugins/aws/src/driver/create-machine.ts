import { type CallContext, MachineError, type MachineVm } from '@mcm/sdk'
import { type Ec2, ec2For } from '../cloud/ec2.ts'
import type { ProviderSpec } from '../spec/provider-spec.ts'
import { tagKeysOf } from '../spec/tags.ts'
import { type AwsCall, machineOf } from './call.ts'
import { clientTokens } from './client-token.ts'
import { findByTags } from './find.ts'
import { several } from './find-one.ts'
import { isVm, type Vm, vmOf } from './instance.ts'
import { annotatedPlacement } from './placement-annotation.ts'
import { formatProviderID } from './provider-id.ts'
import { runRequest } from './run-request.ts'
import { untilVisible } from './until-visible.ts'

/** Launches the VM of a Machine, or adopts the one that is there because an earlier answer was lost. */
export async function createMachine(call: AwsCall, context: CallContext): Promise<MachineVm> {
  const { spec, region, name } = machineOf(call)
  const ec2 = await ec2For(region, call.secret, context)
  const adopted = await adopt(ec2, spec, name)
  if (adopted) context.logger.info('adopts the VM that is there', { id: adopted.InstanceId })
  if (adopted?.PrivateDnsName) return vmOf(region, adopted)
  const launched = adopted ?? (await launch(ec2, call, spec, name))
  const vm = await untilVisible(ec2, region, launched, context)
  // A later answer may leave it out, or empty; what was known stays known.
  const nodeName = vm.PrivateDnsName || launched.PrivateDnsName || ''
  if (nodeName === '') {
    const text = `VM with Provider-ID "${formatProviderID(region, vm.InstanceId)}", for machine "${name}" does not yet have a nodeName (instance.PrivateDnsName)`
    throw new MachineError('Internal', text, { source: 'cloud', retry: 'soon' })
  }
  return vmOf(region, vm, nodeName)
}

async function adopt(ec2: Ec2, spec: ProviderSpec, name: string): Promise<Vm | undefined> {
  const found = await findByTags(ec2, tagKeysOf(spec), name)
  if (found.length > 1) throw several(found)
  return found[0]
}

async function launch(ec2: Ec2, call: AwsCall, spec: ProviderSpec, name: string): Promise<Vm> {
  const { ami = '' } = spec
  const [image] = await ec2.describeImages({ ImageIds: [ami] })
  if (!image) throw new MachineError('NotFound', `Image ${ami} not found`)
  const request = runRequest(spec, {
    name,
    userData: call.secret.bytes('userData') ?? new Uint8Array(),
    imageRoot: image.RootDeviceName,
    placement: spec.placement ? undefined : annotatedPlacement(call.machine),
  })
  let refusal: MachineError | undefined
  for (const ClientToken of clientTokens(call.machine, tagKeysOf(spec).cluster, request)) {
    try {
      const vm = (await ec2.runInstances({ ...request, ClientToken })).find(isVm)
      if (vm) return vm
      const text = `creation of VM failed for machine "${name}" - no non-empty instanceID found in runResult`
      throw new MachineError('Internal', text, { source: 'cloud' })
    } catch (error) {
      if (!isTokenSpent(error)) throw error
      refusal = error
    }
    // Somebody else has used the token: what they launched is this Machine's, too.
    const vm = await adopt(ec2, spec, name)
    if (vm) return vm
  }
  throw new MachineError('Unavailable', `EC2 refuses even a new client token: ${refusal?.message}`, {
    source: 'cloud',
    cause: refusal,
  })
}

/** The VM that was launched with the token has ended, or the token was used for another request. */
function isTokenSpent(error: unknown): error is MachineError {
  return (
    MachineError.is(error) &&
    (error.reason === 'IdempotentInstanceTerminated' || error.reason === 'IdempotentParameterMismatch')
  )
}
