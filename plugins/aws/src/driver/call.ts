import type { JsonObject, MachineCall } from '@mcm/sdk'
import { decodeSpec } from '@mcm/sdk/go'
import type { secretKeys } from '../secret-keys.ts'
import { ProviderSpec } from '../spec/provider-spec.ts'

/** What the driver's methods get about a Machine. The spec is as it stands in the class; {@link specOf} reads it. */
export type AwsCall = MachineCall<ProviderSpec, keyof typeof secretKeys>

/** The providerSpec of a call that `validate` has found right. */
export function specOf({ spec }: Pick<AwsCall, 'spec'>): ProviderSpec {
  // It came as JSON, in whatever case its names are.
  return decodeSpec(spec as JsonObject, ProviderSpec).spec
}

/** What all methods need of a call about a Machine. */
export function machineOf(call: AwsCall) {
  const spec = specOf(call)
  const { metadata, spec: wish } = call.machine
  return { spec, region: spec.region ?? '', name: metadata.name, providerID: wish.providerID ?? '' }
}
