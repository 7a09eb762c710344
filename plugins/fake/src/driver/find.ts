import { MachineError } from '@mcm/sdk'
import { type CloudClient, CloudError, type Instance, type OperationOptions } from '../cloud/index.ts'
import type { FakeSpec } from '../provider-spec.ts'
import { clusterTagOf, instanceNamedBy, providerIDOf } from './identity.ts'
import type { FakeCall } from './in-cloud.ts'

/** All living instances of the cluster, or those of one name. */
export async function findAll(
  cloud: CloudClient,
  spec: FakeSpec,
  name: string | undefined,
  options: OperationOptions,
): Promise<Instance[]> {
  const query = { region: spec.region, tag: clusterTagOf(spec), ...(name !== undefined && { name }) }
  const found: Instance[] = []
  let page: string | undefined
  do {
    const answer = await cloud.listInstances({ ...query, ...(page !== undefined && { page }) }, options)
    found.push(...answer.instances.filter(isAlive))
    page = answer.nextPage
  } while (page !== undefined)
  return found
}

/** The one living instance of a Machine. `NotFound` without one, `OutOfRange` with several. */
export async function findOne(
  cloud: CloudClient,
  { machine, spec }: FakeCall & Required<Pick<FakeCall, 'machine'>>,
  options: OperationOptions,
): Promise<Instance> {
  const named = instanceNamedBy(machine)
  if (named) {
    const instance = await cloud.getInstance(named, options)
    if (isAlive(instance) && Object.hasOwn(instance.tags, clusterTagOf(spec))) return instance
    throw new CloudError('InstanceNotFound', `${providerIDOf(named)} is gone, or not of this cluster`)
  }
  const instance = onlyOne(await findAll(cloud, spec, machine.metadata.name, options), machine.metadata.name)
  if (instance) return instance
  throw new CloudError('InstanceNotFound', `there is no VM of this name with the tag ${clusterTagOf(spec)}`)
}

/** The only instance of a list; `OutOfRange`, which makes the controller clean up, when there are more. */
export function onlyOne(instances: Instance[], name: string): Instance | undefined {
  if (instances.length > 1) {
    const ids = instances.map(providerIDOf).join(', ')
    throw new MachineError('OutOfRange', `Machine ${name} has ${instances.length} VMs: ${ids}`)
  }
  return instances[0]
}

function isAlive({ state }: Instance): boolean {
  return state === 'pending' || state === 'running'
}
