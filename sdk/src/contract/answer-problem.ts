import type { Violation } from '../errors/machine-error.ts'
import type { DriverMethod } from '../model/driver.ts'
import { responseFromPlain } from './methods.ts'

/**
 * What is wrong with an answer that the contract does not allow: fields that it does not have, values of a wrong kind,
 * or no identity where the caller needs one. `undefined` for a sound one.
 */
export function answerProblem(method: DriverMethod, response: unknown): string | undefined {
  if (typeof response !== 'object' || response === null || Array.isArray(response)) return 'the answer is not an object'
  for (const key of neededFields[method] ?? []) if (!Reflect.get(response, key)) return `${key} is empty`
  try {
    responseFromPlain(method, response)
    const { violations = [] } = response as { violations?: Partial<Violation>[] }
    const i = violations.findIndex(({ path, message }) => path === undefined || !message)
    return i < 0 ? undefined : `violations[${i}] needs a path and a message`
  } catch (error) {
    return (error as Error).message
  }
}

const neededFields: { [M in DriverMethod]?: string[] } = {
  createMachine: ['providerID', 'nodeName'],
  getMachineStatus: ['providerID', 'nodeName'],
  listMachines: ['machineList'],
  getVolumeIDs: ['volumeIDs'],
  validateMachineClass: ['violations'],
}
