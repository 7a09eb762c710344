/**
 * The mcm plugin for virtual machines on Google Compute Engine.
 *
 * @packageDocumentation
 */
import { definePlugin } from '@mcm/sdk'
import { createMachine } from './driver/create-machine.ts'
import { deleteMachine } from './driver/delete-machine.ts'
import { getMachineStatus } from './driver/get-machine-status.ts'
import { listMachines } from './driver/list-machines.ts'
import { secretKeys } from './secret-keys.ts'
import { ProviderSpec } from './spec/provider-spec.ts'
import { validate } from './spec/validate.ts'
import { getVolumeIDs } from './volume-ids.ts'

// Without initializeMachine: as in the Go provider there is nothing to do after the creation.
export default definePlugin({
  provider: 'GCP',
  providerSpec: ProviderSpec,
  secret: secretKeys,
  validate,
  createMachine,
  deleteMachine,
  getMachineStatus,
  listMachines,
  getVolumeIDs,
})
