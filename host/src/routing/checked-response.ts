import { answerProblem, type DriverMethod, methodName } from '@mcm/sdk/contract'
import { hostError } from '../host-error.ts'

/** Refuses what a plugin may not answer. Better here, with blame, than as a riddle in somebody's controller. */
export function checkedResponse(method: DriverMethod, response: unknown, plugin: string): object {
  const problem = answerProblem(method, response)
  if (problem !== undefined) {
    const text = `${plugin} answered ${methodName(method)} wrongly: ${problem}`
    throw hostError('PLUGIN_ANSWER_INVALID', text, { source: 'plugin' })
  }
  // Just checked.
  return response as object
}
