/**
 * The mcm plugin for a simulated cloud.
 *
 * @packageDocumentation
 */

import { definePlugin } from '@mcm/sdk'
import { createMachine } from './driver/create-machine.ts'
import { deleteMachine } from './driver/delete-machine.ts'
import { generateMachineClassForMigration } from './driver/migrate.ts'
import { getMachineStatus, initializeMachine, listMachines } from './driver/status.ts'
import { getVolumeIDs } from './driver/volumes.ts'
import { providerSpec } from './provider-spec.ts'
import { secretKeys } from './secret-keys.ts'
import { validate } from './validate.ts'

export default definePlugin({
  provider: 'fake',
  providerSpec,
  secret: secretKeys,
  validate,
  createMachine,
  initializeMachine,
  deleteMachine,
  getMachineStatus,
  listMachines,
  getVolumeIDs,
  generateMachineClassForMigration,
})
