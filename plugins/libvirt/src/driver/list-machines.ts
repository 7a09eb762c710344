import type { CallContext, ClassCall } from '@mcm/sdk'
import type { ProviderSpec } from '../provider-spec.ts'
import type { SecretName } from '../secret-keys.ts'
import { withLibvirt } from './connection.ts'
import { listMachineDomains } from './find.ts'
import { providerIDOf } from './identity.ts'

/**
 * All VMs of the cluster in the namespace of the class. The caller deletes what it has no Machine for, and knows the
 * Machines of that namespace only.
 */
export async function listMachines(
  { spec, machineClass }: ClassCall<ProviderSpec, SecretName>,
  context: CallContext,
): Promise<{ machineList: Record<string, string> }> {
  const { namespace } = machineClass.metadata
  return await withLibvirt(spec.uri, context, async (libvirt) => {
    const found = (await listMachineDomains(libvirt, spec))
      .filter(({ tags }) => namespace === '' || tags.namespace === '' || tags.namespace === namespace)
      // One without a name would be deleted for that.
      .filter(({ tags }) => tags.machine !== '')
    return {
      machineList: Object.fromEntries(found.map(({ domain, tags }) => [providerIDOf(domain.uuid), tags.machine])),
    }
  })
}
