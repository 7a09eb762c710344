import type { FakeCloud } from './cloud.ts'
import type { InstanceResource } from './instance.ts'
import { lookUps } from './look-ups.ts'
import { advance, type FakeOperation, type OperationFailure } from './operation.ts'
import { listOf } from './page.ts'
import { linkBase, type Place } from './place.ts'

/** A request to a method, with all that has been checked by the published description. */
export interface MethodCall {
  cloud: FakeCloud
  place: Place
  params: Record<string, string>
  body: unknown
  failure: OperationFailure | undefined
  /** Waits, unless the fake ends before. */
  pause(ms: number): Promise<void>
}

export type Run = (call: MethodCall) => object | Promise<object>

/** All that the fake does, by action. */
export const methods = new Map<string, Run>([
  [
    'instances.insert',
    ({ cloud, place, params, body, failure }) => {
      // The published schema has checked it.
      const instance = body as InstanceResource
      return cloud.insertInstance(place, instance, { requestId: params.requestId, failure }).resource
    },
  ],
  ['instances.get', ({ cloud, place, params }) => cloud.lookAtInstance(place, params.instance ?? '')],
  [
    'instances.list',
    ({ cloud, place, params }) => listOf('instance', cloud.lookAtInstances(place), params, cloud.behaviour),
  ],
  [
    'instances.aggregatedList',
    (call) => aggregated('instance', call.cloud.lookAtInstances({ project: call.place.project }), call),
  ],
  [
    'instances.delete',
    ({ cloud, place, params, failure }) => {
      return cloud.deleteInstance(place, params.instance ?? '', { requestId: params.requestId, failure }).resource
    },
  ],
  ['disks.get', ({ cloud, place, params }) => cloud.findDisk(place, params.disk ?? '').resource],
  ['disks.list', ({ cloud, place, params }) => listOf('disk', inZone(cloud.disks, place), params, cloud.behaviour)],
  [
    'disks.aggregatedList',
    (call) => {
      const there = call.cloud.disks.filter(({ project }) => project === call.place.project)
      return aggregated(
        'disk',
        there.map(({ resource }) => resource),
        call,
      )
    },
  ],
  [
    'disks.delete',
    ({ cloud, place, params, failure }) => {
      return cloud.deleteDisk(place, params.disk ?? '', { requestId: params.requestId, failure }).resource
    },
  ],
  [
    'zoneOperations.get',
    ({ cloud, place, params }) => lookAt(cloud.findOperation(place, params.operation ?? '')).resource,
  ],
  [
    'zoneOperations.wait',
    async ({ cloud, place, params, pause }) => {
      const operation = lookAt(cloud.findOperation(place, params.operation ?? ''))
      if (operation.resource.status !== 'DONE') await pause(cloud.behaviour.waitMs)
      return lookAt(operation).resource
    },
  ],
  [
    'zoneOperations.list',
    ({ cloud, place, params }) => listOf('operation', inZone(cloud.operations, place), params, cloud.behaviour),
  ],
  [
    'projects.get',
    ({ place: { project } }) => {
      return { kind: 'compute#project', id: '1', name: project, selfLink: `${linkBase}projects/${project}` }
    },
  ],
  ...lookUps,
])

function lookAt(operation: FakeOperation): FakeOperation {
  advance(operation)
  return operation
}

function inZone<T>(all: readonly { project: string; zone: string; resource: T }[], place: Place): T[] {
  return all
    .filter(({ project, zone }) => project === place.project && zone === place.zone)
    .map(({ resource }) => resource)
}

/** A page of a list of all zones, by zone. */
function aggregated(
  kind: string,
  all: readonly { name: string; zone?: unknown }[],
  { cloud, params }: MethodCall,
): object {
  const page = listOf(`${kind}Aggregated`, all, params, cloud.behaviour)
  const scopes = [...cloud.catalogue.regions.values()].flat().map((zone) => {
    const found = (page.items ?? []).filter((resource) => String(resource.zone).endsWith(`/${zone}`))
    const warning = { code: 'NO_RESULTS_ON_PAGE', message: `There are no results for scope 'zones/${zone}'.` }
    return [`zones/${zone}`, found.length > 0 ? { [`${kind}s`]: found } : { warning }]
  })
  return { ...page, items: Object.fromEntries(scopes) }
}
