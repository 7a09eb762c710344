import { definePlugin, Type } from '@mcm/sdk'

const Disk = Type.Object({
  device: Type.String(),
  sizeGiB: Type.Integer({ minimum: 1 }),
  type: Type.Union([Type.Literal('ssd'), Type.Literal('hdd')]),
  encrypted: Type.Boolean({ default: true }),
})

// Answers at once: what is measured is the way there and back.
export default definePlugin({
  provider: 'bench',
  providerSpec: Type.Object({
    region: Type.String(),
    disks: Type.Array(Disk),
    tags: Type.Record(Type.String(), Type.String()),
  }),
  secret: { token: 'required', userData: 'optional' },
  async createMachine({ machine, secret }) {
    if (secret.text('userData') === '') throw new Error('the user data got lost')
    return { providerID: `bench:///${machine.metadata.name}`, nodeName: machine.metadata.name }
  },
  async deleteMachine() {},
})
