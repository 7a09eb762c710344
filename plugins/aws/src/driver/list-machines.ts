import type { CallContext, ClassCall } from '@mcm/sdk'
import { ec2For } from '../cloud/ec2.ts'
import type { secretKeys } from '../secret-keys.ts'
import type { ProviderSpec } from '../spec/provider-spec.ts'
import { tagKeysOf } from '../spec/tags.ts'
import { specOf } from './call.ts'
import { findByTags } from './find.ts'
import { tagOf } from './instance.ts'
import { formatProviderID } from './provider-id.ts'

/** All live VMs with the class's cluster and role: the machine name by providerID. */
export async function listMachines(
  call: ClassCall<ProviderSpec, keyof typeof secretKeys>,
  context: CallContext,
): Promise<{ machineList: Record<string, string> }> {
  const spec = specOf(call)
  const { region = '' } = spec
  const found = await findByTags(await ec2For(region, call.secret, context), tagKeysOf(spec))
  const entries = found.map((vm) => [formatProviderID(region, vm.InstanceId), tagOf(vm, 'Name') ?? ''] as const)
  return { machineList: Object.fromEntries(entries) }
}
