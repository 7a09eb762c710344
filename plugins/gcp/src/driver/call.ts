import type { ClassCall, JsonObject, MachineCall } from '@mcm/sdk'
import { decodeSpec } from '@mcm/sdk/go'
import type { secretKeys } from '../secret-keys.ts'
import { ProviderSpec } from '../spec/provider-spec.ts'

/** What the driver's methods get about a class. The spec is as it stands there; {@link specOf} reads it. */
export type GcpClassCall = ClassCall<ProviderSpec, keyof typeof secretKeys>
/** What the driver's methods get about a Machine. */
export type GcpCall = MachineCall<ProviderSpec, keyof typeof secretKeys>

/** The providerSpec of a call that `validate` has found right. */
export function specOf({ spec }: Pick<GcpClassCall, 'spec'>): ProviderSpec & { zone: string } {
  // It came as JSON, in whatever case its names are.
  return { zone: '', ...decodeSpec(spec as JsonObject, ProviderSpec).spec }
}
