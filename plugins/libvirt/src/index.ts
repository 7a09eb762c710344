import { definePlugin } from '@mcm/sdk'
import { checkSpec } from './check-spec.ts'
import { createMachine } from './driver/create-machine.ts'
import { deleteMachine } from './driver/delete-machine.ts'
import { getMachineStatus } from './driver/get-machine-status.ts'
import { initializeMachine } from './driver/initialize-machine.ts'
import { listMachines } from './driver/list-machines.ts'
import { ProviderSpec } from './provider-spec.ts'
import { secretKeys } from './secret-keys.ts'
import { getVolumeIDs } from './volume-ids.ts'

export default definePlugin({
  provider: 'libvirt',
  providerSpec: ProviderSpec,
  secret: secretKeys,
  validate: ({ spec }) => checkSpec(spec),
  createMachine,
  initializeMachine,
  deleteMachine,
  getMachineStatus,
  listMachines,
  getVolumeIDs,
})
