import { randomUUID } from 'node:crypto'
import { type CallContext, deterministicUuid, type Machine, MachineError } from '@mcm/sdk'
import { type Instance, type Operation, type Zone, zoneFor } from '../cloud/compute.ts'
import { userDataKeyOf } from '../secret-keys.ts'
import { isOwned, type OwnerTags, ownerTagsOf } from '../spec/tags.ts'
import { type GcpCall, specOf } from './call.ts'
import { providerIDOf } from './identity.ts'
import { instanceBody } from './instance-body.ts'
import { prefixed } from './prefixed.ts'
import { recoded } from './recoded.ts'
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
    const userData = { key: userDataKeyOf(call.secret), value: call.secret.text('userData') }
    const body = instanceBody(spec, { project, zone: spec.zone, name, userData })
    const operation = await insert(zone, body, call.machine, tags, context)
    if (operation) {
      await untilDone(zone, operation, context).catch(async (error: unknown) => {
        if (!isThere(error)) throw error
        await checkAdoption(zone, body, tags)
      })
    }
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
  let last: Operation | undefined
  for (const requestId of requestIds(machine, tags, body)) {
    let operation: Operation
    try {
      operation = await zone.insert(body, requestId)
    } catch (error) {
      if (isThere(error)) {
        await checkAdoption(zone, body, tags)
        logger.info('adopts the VM that is there', { name: body.name })
        return undefined
      }
      throw withCapacityCode(error)
    }
    logger.debug('VM is being created', { operation: operation.name })
    // An operation without a name cannot be waited for; the VM is looked up by its own.
    if (!operation.name && !operation.error) {
      const vm = await zone.get(body.name ?? '')
      if (vm) {
        checkVm(vm, body, tags)
        return undefined
      }
      throw new MachineError('Internal', 'Compute named no operation, and shows no VM', {
        source: 'cloud',
        retry: 'soon',
      })
    }
    if (operation.status !== 'DONE') return operation
    // One that is done already is that of an earlier call with this very id, which Compute remembers for a while: it may
    // have failed, and what it made may be gone since.
    const vm = operation.error ? undefined : await zone.get(body.name ?? '')
    if (vm) {
      checkVm(vm, body, tags)
      return undefined
    }
    last = operation
  }
  return last
}

/** Whether Compute says that there is a VM of this name. */
function isThere(error: unknown): boolean {
  return MachineError.is(error) && (error.reason === 'alreadyExists' || error.reason === 'RESOURCE_ALREADY_EXISTS')
}

/** A VM of this name is the Machine's if it has its tags; it is not taken for one of another type. */
async function checkAdoption(zone: Zone, body: Instance, tags: OwnerTags): Promise<void> {
  const { name = '' } = body
  const vm = await zone.get(name ?? '')
  // It went in this moment: the next call makes it.
  if (!vm) throw new MachineError('Aborted', `VM ${name} was there, and is gone`, { source: 'cloud', retry: 'soon' })
  checkVm(vm, body, tags)
}

function checkVm(vm: Instance, { name, machineType }: Instance, tags: OwnerTags): void {
  if (!isOwned(vm.tags?.items, tags)) {
    const text = `VM ${name} is there and does not have the tags ${tags.cluster} and ${tags.role}: it belongs to somebody else`
    throw new MachineError('AlreadyExists', text, { source: 'cloud' })
  }
  const [wanted, found] = [machineType, vm.machineType].map((url) => url?.split('/').at(-1))
  if (found !== wanted) {
    throw new MachineError('AlreadyExists', `VM ${name} is there with type ${found}, not ${wanted}`, {
      source: 'cloud',
    })
  }
}

/** What a zone does not offer, or a quota forbids, is lack of capacity: another node group may have it. */
function withCapacityCode(error: unknown): unknown {
  if (!MachineError.is(error) || !/does not exist in zone|Quota '.*' exceeded/.test(error.message)) return error
  return recoded(error, 'ResourceExhausted')
}

/**
 * The ids to ask with, in order. A repeated call asks with the same first one, so that a request whose answer got lost is
 * not done twice, but waited for. The body is part of it, so that a changed class is not taken for the old one; metadata
 * are not, since user data change from try to try. The second nobody has used before.
 */
function requestIds(machine: Machine, tags: OwnerTags, body: Instance): [string, string] {
  return [requestIdOf(machine, tags, body), randomUUID()]
}

function requestIdOf(machine: Machine, { cluster }: OwnerTags, { metadata: _, ...body }: Instance): string {
  const { namespace, name, uid = '' } = machine.metadata
  return deterministicUuid(cluster, namespace, name, uid, JSON.stringify(body))
}
