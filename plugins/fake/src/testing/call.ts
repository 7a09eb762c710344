import { type CallContext, type Machine, type MachineClass, type MachineVm, secretReader } from '@mcm/sdk'
import type { FakeSpec } from '../provider-spec.ts'
import { secretKeys } from '../secret-keys.ts'

/** A valid providerSpec with its defaults, and some of it changed. */
export function specWith(changes: Partial<FakeSpec> = {}): FakeSpec {
  return {
    region: 'eu-1',
    zone: 'eu-1a',
    machineType: 'small-1',
    image: 'linux-1',
    tags: { 'kubernetes.io/cluster/demo': '1' },
    disk: { sizeGiB: 20, type: 'ssd' },
    networks: [{ subnet: 'default', publicAddress: false }],
    spot: false,
    bootSeconds: 0,
    initialization: 'none',
    ...changes,
  }
}

/** What a method of the driver gets about a class. */
export function classCall(spec: FakeSpec, secret: Record<string, string> = {}) {
  const machineClass: MachineClass = { metadata: { name: 'class-1', namespace: 'default' }, provider: 'fake' }
  const data = Object.entries({ token: 'demo:1', ...secret }).map(([key, text]) => [key, Buffer.from(text)] as const)
  return { machineClass, spec, secret: secretReader(secretKeys, Object.fromEntries(data)) }
}

/** What a method of the driver gets about a Machine. */
export function machineCall(spec: FakeSpec, name = 'worker-1', vm?: MachineVm, secret?: Record<string, string>) {
  const machine: Machine = {
    metadata: { name, namespace: 'default' },
    spec: { class: { kind: 'MachineClass', name: 'class-1' }, ...(vm && { providerID: vm.providerID }) },
  }
  return { machine, ...classCall(spec, secret) }
}

/** The context of calls with a signal; `close` releases the clients that they made. */
export function callContext(signal: AbortSignal): CallContext & { close(): Promise<void> } {
  const clients = new Map<string, { client: Promise<unknown>; dispose: () => Promise<void> }>()
  const quiet = () => {}
  return {
    signal,
    deadlineMs: Date.now() + 60_000,
    logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    client<T>(
      key: string | readonly string[],
      make: (signal: AbortSignal) => T | Promise<T>,
      dispose?: (client: T) => void | Promise<void>,
    ) {
      const id = JSON.stringify(key)
      const known = clients.get(id)
      // Made below by a caller who gave the same key, and so the same type.
      if (known) return known.client as Promise<T>
      const client = Promise.resolve(make(signal))
      clients.set(id, { client, dispose: async () => dispose?.(await client) })
      return client
    },
    cloudRequest: async (_, send) => await send(),
    async close() {
      await Promise.all([...clients.values()].map((entry) => entry.dispose()))
    },
  }
}
