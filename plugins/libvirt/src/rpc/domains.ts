import type { CallOptions } from './call-options.ts'
import { type Caller, orUndefined } from './caller.ts'
import { type DomainState, domainState } from './domain-state.ts'
import { type DomainRef, procedures } from './procedures.ts'

export interface UndefineOptions extends CallOptions {
  /** The firmware's variables of a UEFI guest. libvirt refuses to undefine such a guest until it is told. */
  readonly nvram?: 'delete' | 'keep'
}

export interface MetadataTarget {
  /** The namespace that the element belongs to. */
  readonly namespace: string
  /** The running guest, its stored definition, or (the default) whichever of both is the current one. */
  readonly of?: 'current' | 'live' | 'config'
}

export interface GuestInterface {
  readonly name: string
  readonly mac: string | undefined
  readonly addresses: ReadonlyArray<{
    readonly family: 'ipv4' | 'ipv6'
    readonly address: string
    readonly prefix: number
  }>
}

/** Everything about virtual machines. A domain is what libvirt calls one. */
export class Domains {
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  /** All domains, running or not. libvirt cannot filter by metadata: ask each one. */
  async list(options?: CallOptions): Promise<DomainRef[]> {
    const { domains } = await this.#caller.call(procedures.connectListAllDomains, { needResults: 1, flags: 0 }, options)
    return domains
  }

  /** `undefined` when there is none. */
  findByName(name: string, options?: CallOptions): Promise<DomainRef | undefined> {
    return orUndefined(this.lookupByName(name, options))
  }

  /** `undefined` when there is none. */
  findByUuid(uuid: string, options?: CallOptions): Promise<DomainRef | undefined> {
    return orUndefined(this.lookupByUuid(uuid, options))
  }

  /** Rejects with `errorCode.noDomain` when there is none. */
  async lookupByName(name: string, options?: CallOptions): Promise<DomainRef> {
    const { domain } = await this.#caller.call(procedures.domainLookupByName, { name }, options)
    return domain
  }

  /** Rejects with `errorCode.noDomain` when there is none. */
  async lookupByUuid(uuid: string, options?: CallOptions): Promise<DomainRef> {
    const { domain } = await this.#caller.call(procedures.domainLookupByUuid, { uuid }, options)
    return domain
  }

  /**
   * Stores a definition, after checking it against libvirt's schema. The same name and UUID again is an update.
   * A name that another UUID has, or the reverse, is refused with the vague `errorCode.operationFailed`: look first.
   */
  async define(xml: string, options?: CallOptions): Promise<DomainRef> {
    const { domain } = await this.#caller.call(procedures.domainDefineXml, { xml, flags: defineFlag.validate }, options)
    return domain
  }

  /** Boots it. `errorCode.operationInvalid` when it runs already. */
  async start(domain: DomainRef, options?: CallOptions): Promise<DomainRef> {
    const reply = await this.#caller.call(procedures.domainCreate, { domain, flags: 0 }, options)
    return reply.domain
  }

  /** Pulls the plug. `errorCode.operationInvalid` when it is off already. */
  async destroy(domain: DomainRef, options?: CallOptions): Promise<void> {
    await this.#caller.call(procedures.domainDestroy, { domain, flags: 0 }, options)
  }

  /** Asks the guest to shut down and does not wait for it. A guest without ACPI never does. */
  async shutdown(domain: DomainRef, options?: CallOptions): Promise<void> {
    await this.#caller.call(procedures.domainShutdown, { domain, flags: 0 }, options)
  }

  /**
   * Removes the definition with what libvirt keeps beside it (managed save, snapshots, checkpoints). Disks and console
   * logs stay. A running domain goes on running until it stops: destroy first.
   */
  async undefine(domain: DomainRef, options: UndefineOptions = {}): Promise<void> {
    const nvram = options.nvram === 'keep' ? undefineFlag.keepNvram : undefineFlag.nvram
    const { managedSave, snapshotsMetadata, checkpointsMetadata } = undefineFlag
    const flags = managedSave | snapshotsMetadata | checkpointsMetadata | nvram
    await this.#caller.call(procedures.domainUndefine, { domain, flags }, options)
  }

  async state(domain: DomainRef, options?: CallOptions): Promise<DomainState> {
    const { state, reason } = await this.#caller.call(procedures.domainGetState, { domain, flags: 0 }, options)
    return domainState(state, reason)
  }

  /** The definition: of the running guest where there is one, or the stored one that the next start uses. */
  async xml(domain: DomainRef, options: CallOptions & { of?: 'current' | 'config' } = {}): Promise<string> {
    const flags = options.of === 'config' ? xmlFlag.inactive : 0
    const { xml } = await this.#caller.call(procedures.domainGetXml, { domain, flags }, options)
    return xml
  }

  /** Our element from the metadata, without its namespace. `undefined` when there is none. */
  async metadata(domain: DomainRef, options: MetadataTarget & CallOptions): Promise<string | undefined> {
    const args = { domain, type: metadataElement, uri: options.namespace, flags: impact[options.of ?? 'current'] }
    const reply = await orUndefined(this.#caller.call(procedures.domainGetMetadata, args, options))
    return reply?.metadata
  }

  /** Replaces our element; `undefined` removes it. libvirt writes `prefix` before the names of the element. */
  async setMetadata(
    domain: DomainRef,
    element: string | undefined,
    options: MetadataTarget & { readonly prefix: string } & CallOptions,
  ): Promise<void> {
    const args = {
      domain,
      type: metadataElement,
      metadata: element,
      key: options.prefix,
      uri: options.namespace,
      flags: impact[options.of ?? 'current'],
    }
    await this.#caller.call(procedures.domainSetMetadata, args, options)
  }

  /**
   * Addresses of a running guest. `lease` asks the DHCP server of a libvirt network and knows nothing of user networking;
   * `agent` asks the guest itself, `arp` the host's table.
   */
  async interfaceAddresses(
    domain: DomainRef,
    source: 'lease' | 'agent' | 'arp',
    options?: CallOptions,
  ): Promise<GuestInterface[]> {
    const args = { domain, source: addressSource[source], flags: 0 }
    const { interfaces } = await this.#caller.call(procedures.domainInterfaceAddresses, args, options)
    return interfaces.map(({ name, mac, addresses }) => ({
      name,
      mac,
      addresses: addresses.map(({ type, address, prefix }) => ({
        family: type === 0 ? ('ipv4' as const) : ('ipv6' as const),
        address,
        prefix,
      })),
    }))
  }

  /** The guest's own host name, from its DHCP lease or its agent. `errorCode.noHostname` when nobody knows it. */
  async hostname(domain: DomainRef, options?: CallOptions): Promise<string> {
    const { hostname } = await this.#caller.call(procedures.domainGetHostname, { domain, flags: 0 }, options)
    return hostname
  }
}

const defineFlag = { validate: 1 } as const
const undefineFlag = { managedSave: 1, snapshotsMetadata: 2, nvram: 4, keepNvram: 8, checkpointsMetadata: 16 } as const
const xmlFlag = { inactive: 2 } as const
const metadataElement = 2
const impact = { current: 0, live: 1, config: 2 } as const
const addressSource = { lease: 0, agent: 1, arp: 2 } as const
