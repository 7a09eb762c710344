import { type CallContext, MachineError, type MachineVm } from '@mcm/sdk'
import type { ProviderSpec } from '../provider-spec.ts'
import { type LibvirtConnection, withLibvirt } from './connection.ts'
import { fileNames } from './files.ts'
import { findMachine, type MachineDomain } from './find.ts'
import { type Identity, identityOf } from './identity.ts'
import { fingerprint, fingerprintTag, finishMachine, type LibvirtCall, makeMachine } from './make-machine.ts'
import { removeMachine } from './remove-machine.ts'

/**
 * Makes the VM of a Machine, or adopts the one that is there.
 *
 * There cannot be two: UUID and name follow from the Machine, and libvirt allows one domain of each. The domain is
 * defined before anything else is made and remembers its files, so that whatever dies when, it is found again, and
 * deleting it leaves nothing.
 */
export async function createMachine(call: LibvirtCall, context: CallContext): Promise<MachineVm> {
  return await withLibvirt(call.spec.uri, context, async (libvirt, connection) => {
    const { machine, spec } = call
    const identity = identityOf(machine, spec)
    const [existing, ...others] = await findMachine(libvirt, { ...machine, spec: {} }, spec)
    if (others.length > 0) {
      throw new MachineError('OutOfRange', `there are ${others.length + 1} domains of machine ${identity.machine}`)
    }
    if (existing) {
      checkCompatible(existing, spec)
      return await finishMachine(libvirt, connection, existing, call, context)
    }
    try {
      return await makeMachine(libvirt, connection, identity, call, context)
    } catch (error) {
      await cleanUp(connection, identity, spec, context)
      throw error
    }
  })
}

/** The failed call may have been cancelled, so this has a signal of its own. What stays is found by a later delete. */
async function cleanUp(
  connection: LibvirtConnection,
  identity: Identity,
  spec: ProviderSpec,
  { logger }: CallContext,
): Promise<void> {
  const signal = AbortSignal.timeout(cleanUpMs)
  try {
    const libvirt = await connection.use(signal)
    const domain = await libvirt.domains.findByUuid(identity.uuid)
    await removeMachine(libvirt, domain && { domain, files: [] }, fileNames(identity), spec, signal)
  } catch (error) {
    logger.warn('what a failed creation made could not be removed, a later delete will', { error: String(error) })
  }
}

function checkCompatible({ domain, tags }: MachineDomain, spec: ProviderSpec): void {
  const made = tags.extra[fingerprintTag]
  if (made === undefined || made === fingerprint(spec)) return
  const text = `domain ${domain.name} exists with another image, size or firmware than the class asks for; delete the Machine to make it anew`
  throw new MachineError('AlreadyExists', text)
}

const cleanUpMs = 30_000
