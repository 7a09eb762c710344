import type { ClassRequest, MachineRequest } from '../model/driver.ts'
import type { JsonObject } from '../model/kubernetes.ts'

/** What a request about a class is made of. */
export interface ClassParts {
  /** `MachineClass.providerSpec`, as it stands in the YAML: without defaults. Default: empty. */
  providerSpec?: JsonObject
  /** Values of the Secret. Default: no Secret's worth. */
  secret?: Readonly<Record<string, string | Uint8Array>>
  /** Namespace of class and Machine. Default: `default`. */
  namespace?: string
}

/** What a request about a Machine is made of. */
export interface MachineParts extends ClassParts {
  /** The VM that the Machine is known to have. Default: none yet. */
  providerID?: string
  /** What an earlier try has left to resume from. */
  lastKnownState?: string
}

/**
 * Makes the request about a Machine that a controller would send.
 *
 * @example
 * const request = machineRequest('worker-1', { providerSpec: { region: 'north-1' }, secret: { token: 't' } })
 */
export function machineRequest(name: string, parts: MachineParts = {}): MachineRequest {
  const { providerID, lastKnownState, namespace = 'default' } = parts
  return {
    machine: {
      metadata: { name, namespace },
      spec: {
        class: { kind: 'MachineClass', name: className },
        ...(providerID !== undefined && { providerID }),
      },
      ...(lastKnownState !== undefined && { status: { lastKnownState } }),
    },
    ...classRequest(parts),
  }
}

/**
 * Makes the request about a MachineClass that a controller would send.
 *
 * @example
 * const request = classRequest({ providerSpec: { region: 'north-1' }, secret: { token: 't' } })
 */
export function classRequest(parts: ClassParts = {}): ClassRequest {
  const { providerSpec = {}, secret = {}, namespace = 'default' } = parts
  const data = Object.entries(secret).map(([key, value]) => [key, Buffer.from(value)] as const)
  return {
    machineClass: { metadata: { name: className, namespace }, providerSpec },
    secret: { data: Object.fromEntries(data) },
  }
}

const className = 'class-1'
