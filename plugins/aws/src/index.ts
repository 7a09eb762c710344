/**
 * The mcm plugin for virtual machines on Amazon EC2.
 *
 * @packageDocumentation
 */
import { definePlugin } from '@mcm/sdk'
import { createMachine } from './driver/create-machine.ts'
import { deleteMachine } from './driver/delete-machine.ts'
import { getMachineStatus } from './driver/get-machine-status.ts'
import { initializeMachine } from './driver/initialize-machine.ts'
import { listMachines } from './driver/list-machines.ts'
import { secretKeys } from './secret-keys.ts'
import { ProviderSpec } from './spec/provider-spec.ts'
import { validate } from './spec/validate.ts'
import { getVolumeIDs } from './volume-ids.ts'

export default definePlugin({
  provider: 'AWS',
  providerSpec: ProviderSpec,
  secret: secretKeys,
  validate,
  createMachine,
  initializeMachine,
  deleteMachine,
  getMachineStatus,
  listMachines,
  getVolumeIDs,
})
