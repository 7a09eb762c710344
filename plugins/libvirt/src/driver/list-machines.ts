import type { CallContext, ClassCall } from '@mcm/sdk'
import type { ProviderSpec } from '../provider-spec.ts'
import type { SecretName } from '../secret-keys.ts'
import { withLibvirt } from './connection.ts'
import { listMachineDomains } from './find.ts'
import { providerIDOf } from './identity.ts'

/** All VMs of the cluster. */
export async function listMachines({ spec }: ClassCall<ProviderSpec, SecretName>, context: CallContext) {
  return await withLibvirt(spec.uri, context, async (libvirt) => {
    const found = await listMachineDomains(libvirt, spec)
    return {
      machineList: Object.fromEntries(found.map(({ domain, tags }) => [providerIDOf(domain.uuid), tags.machine])),
    }
  })
}
