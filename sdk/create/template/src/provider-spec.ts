import { type Static, Type } from '@mcm/sdk'

/** What a MachineClass may say in `providerSpec`. The host checks every class against it. */
export const providerSpec = Type.Object({
  endpoint: Type.String({ description: 'URL of the API.', pattern: '^https?://' }),
  cluster: Type.String({ description: 'Tells the VMs of one cluster from those of another.', minLength: 1 }),
  size: Type.Union([Type.Literal('s'), Type.Literal('m')], { description: 'Size of the VM.', default: 's' }),
})

export type Spec = Static<typeof providerSpec>
