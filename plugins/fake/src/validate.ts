import type { Violation } from '@mcm/sdk'
import { clusterTagsOf } from './driver/identity.ts'
import type { FakeSpec } from './provider-spec.ts'

/** Checks what the schema cannot say. What the cloud offers is for the cloud to say. */
export function validate({ spec }: { spec: FakeSpec }): Violation[] {
  const violations: Violation[] = []
  if (spec.zone.slice(0, -1) !== spec.region) {
    violations.push({ path: 'providerSpec.zone', message: `must be a zone of region ${spec.region}, is ${spec.zone}` })
  }
  const clusterTags = clusterTagsOf(spec.tags)
  if (clusterTags.length !== 1) {
    violations.push({
      path: 'providerSpec.tags',
      message: `must have exactly one key of the form kubernetes.io/cluster/<name>, has ${clusterTags.length}`,
    })
  }
  return violations
}
