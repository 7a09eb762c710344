import type { JsonObject, Machine, MachineClass, MachineError, Secret } from '@mcm/sdk'

export const machine = (name = 'm-1', namespace = 'default'): Machine => ({ metadata: { name, namespace }, spec: {} })

export const machineClass = (provider: string, providerSpec: JsonObject = {}): MachineClass => ({
  metadata: { name: 'worker', namespace: 'default' },
  provider,
  providerSpec,
})

export const secret = (texts: Record<string, string>): Secret => ({
  data: Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text)])),
})

/** A whole request about one machine. */
export const request = (provider: string, spec: JsonObject = {}, texts: Record<string, string> = {}, name = 'm-1') => ({
  machine: machine(name),
  machineClass: machineClass(provider, spec),
  secret: secret(texts),
})

/** What a call fails with: the parts that say something, so that a test can compare them whole. */
export async function failureOf(call: Promise<unknown>): Promise<Record<string, unknown>> {
  const error = await call.then(
    (answer) => {
      throw new Error(`the call should have failed, and answered ${JSON.stringify(answer)}`)
    },
    // The client promises to throw nothing else.
    (thrown: MachineError) => thrown,
  )
  const { code, source, retry, retryAfterMs, reason, message, lastKnownState, providerID, nodeName } = error
  const { addresses, violations } = error
  return {
    code,
    source,
    message,
    ...(retry !== 'soon' && { retry }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(reason !== undefined && { reason }),
    ...(lastKnownState !== undefined && { lastKnownState }),
    ...(providerID !== undefined && { providerID }),
    ...(nodeName !== undefined && { nodeName }),
    ...(addresses.length > 0 && { addresses }),
    ...(violations.length > 0 && { violations }),
  }
}
