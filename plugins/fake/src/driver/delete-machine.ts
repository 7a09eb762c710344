import type { Driver } from '@mcm/sdk'
import { CloudError } from '../cloud/index.ts'
import type { FakeSpec } from '../provider-spec.ts'
import type { FakeSecretKey } from '../secret-keys.ts'
import { findAll } from './find.ts'
import { clientTokenOf, clusterTagOf, instanceNamedBy, providerIDOf } from './identity.ts'
import { inCloud } from './in-cloud.ts'

/**
 * With a providerID only that VM goes: orphan collection names a superfluous VM so, whose Machine name may belong to
 * another, good one. Without one, all VMs of the name go, also the one that was made a moment ago: reads may not show it
 * yet, but its client token tells which it is.
 *
 * The cloud checks the cluster's tag as part of the deletion, since a read before it may lag.
 */
export const deleteMachine: Driver<FakeSpec, FakeSecretKey>['deleteMachine'] = async (call, context) => {
  const { machine, spec } = call
  const named = instanceNamedBy(machine)
  await inCloud('deleteMachine', call, context, async (cloud, options) => {
    const { name } = machine.metadata
    const targets = named ? [named] : await findAll(cloud, spec, name, options)
    for (const { id, region } of targets) {
      try {
        await cloud.deleteInstance({ id, region, onlyWithTag: clusterTagOf(spec) }, options)
      } catch (error) {
        if (!isNotOurs(error)) throw error
        context.logger.warn('leave a VM alone that is gone or not of this cluster', {
          providerID: providerIDOf({ id, region }),
        })
      }
    }
    if (!named) await cloud.deleteInstance({ clientToken: clientTokenOf(spec, name) }, options)
  })
}

function isNotOurs(error: unknown): boolean {
  return error instanceof CloudError && (error.code === 'InstanceNotFound' || error.code === 'TagMismatch')
}
