import { setTimeout as sleep } from 'node:timers/promises'
import { definePlugin, Type } from '@mcm/sdk'

const Disk = Type.Object({
  device: Type.String(),
  sizeGiB: Type.Integer({ minimum: 1 }),
  type: Type.Union([Type.Literal('ssd'), Type.Literal('hdd')]),
  encrypted: Type.Boolean({ default: true }),
})

// Answers at once, unless it is told to have a slow cloud: what is measured is the way there and back.
export default definePlugin({
  provider: 'bench',
  providerSpec: Type.Object({
    region: Type.String(),
    disks: Type.Array(Disk),
    tags: Type.Record(Type.String(), Type.String()),
    cloudMs: Type.Integer({ default: 0 }),
  }),
  secret: { token: 'required', userData: 'optional' },
  async createMachine({ machine, spec, secret }) {
    if (secret.text('userData') === '') throw new Error('the user data got lost')
    if (spec.cloudMs > 0) await sleep(spec.cloudMs)
    return { providerID: `bench:///${machine.metadata.name}`, nodeName: machine.metadata.name }
  },
  async deleteMachine() {},
})
