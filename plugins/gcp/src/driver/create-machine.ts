import { randomUUID } from 'node:crypto'
import { type CallContext, deterministicUuid, type Machine, MachineError } from '@mcm/sdk'
import { type Instance, type Operation, type Zone, zoneFor } from '../cloud/compute.ts'
import { isOwned, type OwnerTags, ownerTagsOf } from '../spec/tags.ts'
import { type GcpCall, specOf } from './call.ts'
import { providerIDOf } from './identity.ts'
import { instanceBody } from './instance-body.ts'
import { prefixed } from './prefixed.ts'
import { untilDone } from './until-done.ts'

/**
 * Creates the VM of a Machine, or adopts the one that is there. There are never two: a VM has the name of its Machine,
 * and Compute has each name once in a zone.
 */
export async function createMachine(call: GcpCall, context: CallContext) {
  const { name } = call.machine.metadata
  return await prefixed(`Create machine "${name}" failed`, async () => {
    const spec = specOf(call)
    const zone = await zoneFor(spec.zone, call.secret, context)
    const tags = ownerTagsOf(spec.tags)
    const { project } = zone
    const userData = call.secret.has('userData') ? call.secret.text('userData') : ''
    const body = instanceBody(spec, { project, zone: spec.zone, name, userData })
    const operation = await insert(zone, body, call.machine, tags, context)
    if (operation) await untilDone(zone, operation, context)
    const providerID = providerIDOf(zone, name)
    return { providerID, nodeName: name, lastKnownState: `Created ${providerID}` }
  })
}

/** @returns Nothing where the VM is there already. */
async function insert(
  zone: Zone,
  body: Instance,
  machine: Machine,
  tags: OwnerTags,
  { logger }: CallContext,
): Promise<Operation | undefined> {
  for (const requestId of requestIds(machine, tags, body)) {
    let operation: Operation
    try {
      operation = await zone.insert(body, requestId)
    } catch (error) {
      if (MachineError.is(error) && error.reason === 'alreadyExists') {
        await checkAdoption(zone, body, tags)
        logger.info('adopts the VM that is there', { name: body.name })
        return undefined
      }
      throw withCapacityCode(error)
    }
    logger.debug('VM is being created', { operation: operation.name })
    // An operation without a name cannot be waited for; the VM is looked up by its own.
    if (!operation.name && !operation.error) {
      if (await zone.get(body.name ?? '')) return undefined
      throw new MachineError('Internal', 'Compute named no operation, and shows no VM', {
        source: 'cloud',
        retry: 'soon',
      })
    }
    // One that has failed already may be that of an earlier call with this very id, which Compute remembers for a while.
    if (operation.status !== 'DONE' || !operation.error) return operation
    if (requestId === requestIdOf(machine, tags, body)) continue
    return operation
  }
  return undefined
}

/** A VM of this name is the Machine's if it has its tags; it is not taken for one of another type. */
async function checkAdoption(zone: Zone, body: Instance, tags: OwnerTags): Promise<void> {
  const { name = '' } = body
  const vm = await zone.get(name ?? '')
  // It went in this moment: the next call makes it.
  if (!vm) throw new MachineError('Aborted', `VM ${name} was there, and is gone`, { source: 'cloud', retry: 'soon' })
  if (!isOwned(vm.tags?.items, tags)) {
    const text = `VM ${name} is there and does not have the tags ${tags.cluster} and ${tags.role}: it belongs to somebody else`
    throw new MachineError('AlreadyExists', text, { source: 'cloud' })
  }
  const [wanted, found] = [body.machineType, vm.machineType].map((url) => url?.split('/').at(-1))
  if (found !== wanted) {
    throw new MachineError('AlreadyExists', `VM ${name} is there with type ${found}, not ${wanted}`, {
      source: 'cloud',
    })
  }
}

/** That a zone does not offer a type is lack of capacity to a cluster-autoscaler: another node group may have it. */
function withCapacityCode(error: unknown): unknown {
  if (!MachineError.is(error) || !error.message.includes('does not exist in zone')) return error
  const { message, reason, cause } = error
  return new MachineError('ResourceExhausted', message, { source: 'cloud', cause, ...(reason && { reason }) })
}

/**
 * The ids to ask with, in order. A repeated call asks with the same first one, so that a request whose answer got lost is
 * not done twice; the body is part of it, since user data change from try to try. The second nobody has used before.
 */
function requestIds(machine: Machine, tags: OwnerTags, body: Instance): [string, string] {
  return [requestIdOf(machine, tags, body), randomUUID()]
}

function requestIdOf({ metadata }: Machine, { cluster }: OwnerTags, body: Instance): string {
  return deterministicUuid(cluster, metadata.namespace, metadata.name, metadata.uid ?? '', JSON.stringify(body))
}
