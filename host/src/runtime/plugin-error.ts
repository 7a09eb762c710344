import { MachineError } from '@mcm/sdk'
import { type DriverMethod, isMachineCode, methodName } from '@mcm/sdk/contract'
import { hostError } from '../host-error.ts'
import type { Log } from '../log.ts'
import type { ErrorMessage } from './messages.ts'
import { redactAll } from './redact.ts'

/** The call in which a plugin failed. */
interface FailedCall {
  plugin: string
  method: DriverMethod
  machine: string
  requestId: string
  /** Blacks out secrets. */
  redact(text: string): string
}

/** Makes a MachineError of what a plugin says that it threw. Blacks out secrets in all that people read. */
export function pluginError(call: FailedCall, { code, message, options, trace }: ErrorMessage, log: Log): MachineError {
  const { plugin, machine, requestId, redact } = call
  const text = redact(message)
  // Callers act by who a VM is, and a plugin by its state. A value of the Secret that is a part of them, such as a region,
  // is none to hide, and to change one could cost a second VM.
  const { reason, violations = [], ...exact } = options
  const redacted = redactAll({ violations, ...(reason !== undefined && { reason }) }, redact) as typeof options
  const method = methodName(call.method)
  const context = { requestId, method, machine, trace: redact(trace) }
  const invalid = (why: string) => hostError('PLUGIN_ANSWER_INVALID', `${plugin} ${why}`, { source: 'plugin' })
  if (!isMachineCode(code) || code === 'OK') {
    log.error(context, 'plugin failed')
    return invalid(`failed with the code "${redact(code)}", which is none: ${text}`)
  }
  // From InitializeMachine it only means "try again"; elsewhere the caller adopts the VM by it.
  const namesVm = options.providerID && options.nodeName
  if (code === 'Uninitialized' && call.method !== 'initializeMachine' && !namesVm) {
    return invalid(`answered ${method} with Uninitialized without providerID and nodeName: ${text}`)
  }
  // The trace of a plugin's own bug is all that its author will have.
  if (code === 'Internal') log.error(context, 'plugin failed')
  else log.debug(context, 'plugin answered with an error')
  return new MachineError(code, text, { ...exact, ...redacted })
}
