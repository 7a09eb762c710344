import { MachineError } from '../errors/machine-error.ts'
import type { DriverMethod } from '../model/driver.ts'
import type { Machine, MachineClass } from '../model/kubernetes.ts'
import type { CallContext } from './context.ts'
import type { Plugin } from './define-plugin.ts'
import { secretReader } from './secret.ts'

/** What a method is given, with the values of those secret keys only that the plugin named. */
export interface PluginRequest {
  machine?: Machine
  machineClass?: MachineClass
  secret?: Record<string, Uint8Array>
}

/**
 * Runs one method of a plugin with what it needs: reads the Secret, asks the plugin's own rules, then the method. The
 * class has been checked against the plugin's schema by the caller. Fails as the plugin fails.
 */
export async function invokePlugin(
  plugin: Plugin,
  method: DriverMethod,
  request: PluginRequest,
  context: CallContext,
): Promise<object> {
  const { machine, machineClass, secret } = request
  const spec = machineClass?.providerSpec ?? {}
  // Only calls with a `spec` have been checked against the schema, so that the plugin's own rules can be asked.
  const isValidation = method === 'validateMachineClass'
  const reader = secret && { secret: secretReader(plugin.secret, secret) }
  const violations =
    machineClass && (reader || isValidation)
      ? plugin.validate?.({ method, spec, machineClass, ...(machine && { machine }), ...reader })
      : undefined
  if (isValidation) return { violations: violations ?? [] }
  if (violations && violations.length > 0) {
    throw new MachineError('InvalidArgument', 'the class is not valid', { reason: 'SPEC_INVALID', violations })
  }
  const run = plugin[method] as ((call: object, context: CallContext) => Promise<object | undefined>) | undefined
  if (!run) throw new MachineError('Unimplemented', `${plugin.provider} has no ${method}`)
  const call = { ...request, ...(reader && { spec, ...reader }) }
  return (await run.call(plugin, call, context)) ?? {}
}
