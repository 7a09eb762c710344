import { type CallContext, MachineError, type MachineVm } from '@mcm/sdk'
import type { ProviderSpec } from '../provider-spec.ts'
import type { Libvirt } from '../rpc/index.ts'
import { boot } from './boot.ts'
import type { LibvirtConnection } from './connection.ts'
import type { MachineDomain } from './find.ts'
import { fingerprint, fingerprintTag } from './fingerprint.ts'
import { identityOfDomain } from './identity.ts'
import { type LibvirtCall, makeMachine } from './make-machine.ts'
import { describeVm, isOn } from './vm.ts'

/** Takes a VM that is there. One that is off gets what an interrupted creation left out, and is started. */
export async function finishMachine(
  libvirt: Libvirt,
  connection: LibvirtConnection,
  found: MachineDomain,
  call: LibvirtCall,
  context: CallContext,
): Promise<MachineVm> {
  const { domain, tags } = found
  checkCompatible(found, call.spec)
  if (isOn(await libvirt.domains.state(domain))) return await describeVm(libvirt, domain, tags.machine)
  if (tags.extra[fingerprintTag] !== undefined) {
    return await makeMachine(libvirt, connection, identityOfDomain(domain, tags), call, context)
  }
  // Somebody else's work with our tags: its definition and its files are not ours to make.
  const asItIs = { virtType: 'qemu', define: async () => domain } as const
  await boot(libvirt, domain, asItIs, { spec: call.spec, connection, logger: context.logger, signal: context.signal })
  return await describeVm(libvirt, domain, tags.machine)
}

function checkCompatible({ domain, tags }: MachineDomain, spec: ProviderSpec): void {
  const made = tags.extra[fingerprintTag]
  if (made === undefined || made === fingerprint(spec)) return
  const text = `domain ${domain.name} exists with another image, size or firmware than the class asks for; delete the Machine to make it anew`
  throw new MachineError('AlreadyExists', text)
}
