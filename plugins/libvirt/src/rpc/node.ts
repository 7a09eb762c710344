import type { CallOptions } from './call-options.ts'
import type { Caller } from './caller.ts'
import { procedures } from './procedures.ts'

export interface DomainCapabilitiesQuery {
  readonly arch?: string
  readonly machine?: string
  readonly virtType?: 'kvm' | 'qemu'
}

/** The host that libvirtd runs on. */
export class Node {
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  async hostname(options?: CallOptions): Promise<string> {
    const { hostname } = await this.#caller.call(procedures.connectGetHostname, {}, options)
    return hostname
  }

  /** Version of libvirt, like '9.0.0'. */
  async libvirtVersion(options?: CallOptions): Promise<string> {
    const { version } = await this.#caller.call(procedures.connectGetLibVersion, {}, options)
    return versionText(version)
  }

  /** Version of QEMU, like '7.2.15'. The first call makes libvirtd probe QEMU, which takes seconds. */
  async hypervisorVersion(options?: CallOptions): Promise<string> {
    const { version } = await this.#caller.call(procedures.connectGetVersion, {}, options)
    return versionText(version)
  }

  /** Host and guest capabilities as XML. */
  async capabilities(options?: CallOptions): Promise<string> {
    const { xml } = await this.#caller.call(procedures.connectGetCapabilities, {}, options)
    return xml
  }

  /** What a guest of this kind can have, as XML: firmware, devices, CPU modes. Rejects when there can be no such guest. */
  async domainCapabilities(query: DomainCapabilitiesQuery = {}, options?: CallOptions): Promise<string> {
    const { arch, machine, virtType } = query
    const args = { emulator: undefined, arch, machine, virtType, flags: 0 }
    const { xml } = await this.#caller.call(procedures.connectGetDomainCapabilities, args, options)
    return xml
  }
}

/** libvirt writes 9.1.2 as 9001002. */
function versionText(version: bigint): string {
  return `${version / 1_000_000n}.${(version / 1000n) % 1000n}.${version % 1000n}`
}
