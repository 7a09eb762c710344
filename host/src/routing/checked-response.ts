import { type DriverMethod, methodName, responseFromPlain } from '@mcm/sdk/contract'
import { hostError } from '../host-error.ts'

/**
 * Refuses what a plugin may not answer: fields that the contract does not have, values of a wrong kind, and no
 * identity where the caller needs one. Better here, with blame, than as a riddle in somebody's controller.
 */
export function checkedResponse(method: DriverMethod, response: unknown, plugin: string): object {
  const refuse = (why: string) =>
    hostError('PLUGIN_ANSWER_INVALID', `${plugin} answered ${methodName(method)} wrongly: ${why}`, { source: 'plugin' })
  if (typeof response !== 'object' || response === null || Array.isArray(response))
    throw refuse('the answer is not an object')
  for (const key of neededFields[method] ?? []) {
    if (!Reflect.get(response, key)) throw refuse(`${key} is empty`)
  }
  try {
    responseFromPlain(method, response)
  } catch (error) {
    throw refuse((error as Error).message)
  }
  return response
}

const neededFields: { [M in DriverMethod]?: string[] } = {
  createMachine: ['providerID', 'nodeName'],
  getMachineStatus: ['providerID', 'nodeName'],
  listMachines: ['machineList'],
  getVolumeIDs: ['volumeIDs'],
}
