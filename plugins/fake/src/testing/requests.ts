import type { MachineVm } from '@mcm/sdk'
import { classRequest, machineRequest } from '@mcm/sdk/testing'
import type { FakeSpec } from '../provider-spec.ts'

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

/** A request about a class. */
export function ofClass(spec: FakeSpec, secret: Record<string, string> = {}) {
  return classRequest({ providerSpec: { ...spec }, secret: { token: 'demo:1', ...secret } })
}

/** A request about a Machine, which may have a VM already. */
export function ofMachine(spec: FakeSpec, name = 'worker-1', vm?: MachineVm, secret: Record<string, string> = {}) {
  const parts = { providerSpec: { ...spec }, secret: { token: 'demo:1', ...secret } }
  return machineRequest(name, { ...parts, ...(vm && { providerID: vm.providerID }) })
}
