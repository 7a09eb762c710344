import {
  byteCount,
  type Codec,
  type Decoded,
  flag,
  i32,
  list,
  optional,
  struct,
  text,
  u32,
  u64,
  uuid,
} from './codec.ts'
import type { Procedure } from './procedure.ts'

/** A domain as libvirtd names it. `id` is -1 while the domain is off; libvirtd finds it by its UUID. */
export type DomainRef = Decoded<typeof domain>
export type PoolRef = Decoded<typeof pool>
/** A volume: the name of its pool, its own name there, and its key (for a file: its path). */
export type VolumeRef = Decoded<typeof volume>
export type NetworkRef = Decoded<typeof network>

const domain = struct({ name: text, uuid, id: i32 })
const pool = struct({ name: text, uuid })
const volume = struct({ pool: text, name: text, key: text })
const network = struct({ name: text, uuid })

const nothing = struct({})
const flags = u32
const maxItems = 16_384
const maxInterfaces = 2_048

function read<A, R>(number: number, name: string, args: Codec<A>, reply: Codec<R>): Procedure<A, R> {
  return { number, name, lane: 'read', args, reply }
}

function write<A, R>(number: number, name: string, args: Codec<A>, reply: Codec<R>): Procedure<A, R> {
  return { number, name, lane: 'write', args, reply }
}

/** `needResults` 1 asks for the objects themselves and not only for their number. */
const listArgs = struct({ needResults: i32, flags })

const connection = {
  authList: read(66, 'auth-list', nothing, struct({ types: list(i32, 20) })),
  connectOpen: read(1, 'connect-open', struct({ name: optional(text), flags }), nothing),
  connectClose: read(2, 'connect-close', nothing, nothing),
  connectSupportsFeature: read(60, 'connect-supports-feature', struct({ feature: i32 }), struct({ supported: flag })),
}

const node = {
  connectGetVersion: read(4, 'connect-get-version', nothing, struct({ version: u64 })),
  connectGetLibVersion: read(157, 'connect-get-lib-version', nothing, struct({ version: u64 })),
  connectGetHostname: read(59, 'connect-get-hostname', nothing, struct({ hostname: text })),
  connectGetCapabilities: read(7, 'connect-get-capabilities', nothing, struct({ xml: text })),
  connectGetDomainCapabilities: read(
    342,
    'connect-get-domain-capabilities',
    struct({
      emulator: optional(text),
      arch: optional(text),
      machine: optional(text),
      virtType: optional(text),
      flags,
    }),
    struct({ xml: text }),
  ),
}

const domains = {
  connectListAllDomains: read(
    273,
    'connect-list-all-domains',
    listArgs,
    struct({ domains: list(domain, maxItems), count: u32 }),
  ),
  domainLookupByName: read(23, 'domain-lookup-by-name', struct({ name: text }), struct({ domain })),
  domainLookupByUuid: read(24, 'domain-lookup-by-uuid', struct({ uuid }), struct({ domain })),
  domainDefineXml: write(350, 'domain-define-xml-flags', struct({ xml: text, flags }), struct({ domain })),
  domainCreate: write(196, 'domain-create-with-flags', struct({ domain, flags }), struct({ domain })),
  domainDestroy: write(234, 'domain-destroy-flags', struct({ domain, flags }), nothing),
  domainShutdown: write(258, 'domain-shutdown-flags', struct({ domain, flags }), nothing),
  domainUndefine: write(231, 'domain-undefine-flags', struct({ domain, flags }), nothing),
  domainGetState: read(212, 'domain-get-state', struct({ domain, flags }), struct({ state: i32, reason: i32 })),
  domainGetXml: read(14, 'domain-get-xml-desc', struct({ domain, flags }), struct({ xml: text })),
  domainGetMetadata: read(
    265,
    'domain-get-metadata',
    struct({ domain, type: i32, uri: optional(text), flags }),
    struct({ metadata: text }),
  ),
  domainSetMetadata: write(
    264,
    'domain-set-metadata',
    struct({ domain, type: i32, metadata: optional(text), key: optional(text), uri: optional(text), flags }),
    nothing,
  ),
  domainInterfaceAddresses: read(
    353,
    'domain-interface-addresses',
    struct({ domain, source: u32, flags }),
    struct({
      interfaces: list(
        struct({
          name: text,
          mac: optional(text),
          addresses: list(struct({ type: i32, address: text, prefix: u32 }), maxInterfaces),
        }),
        maxInterfaces,
      ),
    }),
  ),
  domainGetHostname: read(277, 'domain-get-hostname', struct({ domain, flags }), struct({ hostname: text })),
}

const pools = {
  connectListAllStoragePools: read(
    281,
    'connect-list-all-storage-pools',
    listArgs,
    struct({ pools: list(pool, maxItems), count: u32 }),
  ),
  storagePoolLookupByName: read(84, 'storage-pool-lookup-by-name', struct({ name: text }), struct({ pool })),
  storagePoolDefineXml: write(77, 'storage-pool-define-xml', struct({ xml: text, flags }), struct({ pool })),
  storagePoolBuild: write(79, 'storage-pool-build', struct({ pool, flags }), nothing),
  storagePoolCreate: write(78, 'storage-pool-create', struct({ pool, flags }), nothing),
  storagePoolDestroy: write(80, 'storage-pool-destroy', struct({ pool }), nothing),
  storagePoolUndefine: write(82, 'storage-pool-undefine', struct({ pool }), nothing),
  storagePoolSetAutostart: write(90, 'storage-pool-set-autostart', struct({ pool, autostart: flag }), nothing),
  /** Scans the whole folder and can take long, so it rides with the changes. */
  storagePoolRefresh: write(83, 'storage-pool-refresh', struct({ pool, flags }), nothing),
  storagePoolGetXml: read(88, 'storage-pool-get-xml-desc', struct({ pool, flags }), struct({ xml: text })),
  /** An XDR char takes a whole word. */
  storagePoolGetInfo: read(
    87,
    'storage-pool-get-info',
    struct({ pool }),
    struct({ state: u32, capacity: byteCount, allocation: byteCount, available: byteCount }),
  ),
  storagePoolListAllVolumes: read(
    282,
    'storage-pool-list-all-volumes',
    struct({ pool, needResults: i32, flags }),
    struct({ volumes: list(volume, maxItems), count: u32 }),
  ),
}

const volumes = {
  storageVolLookupByName: read(95, 'storage-vol-lookup-by-name', struct({ pool, name: text }), struct({ volume })),
  storageVolLookupByKey: read(96, 'storage-vol-lookup-by-key', struct({ key: text }), struct({ volume })),
  storageVolLookupByPath: read(97, 'storage-vol-lookup-by-path', struct({ path: text }), struct({ volume })),
  storageVolCreateXml: write(93, 'storage-vol-create-xml', struct({ pool, xml: text, flags }), struct({ volume })),
  storageVolCreateXmlFrom: write(
    125,
    'storage-vol-create-xml-from',
    struct({ pool, xml: text, source: volume, flags }),
    struct({ volume }),
  ),
  storageVolDelete: write(94, 'storage-vol-delete', struct({ volume, flags }), nothing),
  storageVolGetInfo: read(
    98,
    'storage-vol-get-info',
    struct({ volume }),
    struct({ type: i32, capacity: byteCount, allocation: byteCount }),
  ),
  storageVolGetPath: read(100, 'storage-vol-get-path', struct({ volume }), struct({ path: text })),
  storageVolGetXml: read(99, 'storage-vol-get-xml-desc', struct({ volume, flags }), struct({ xml: text })),
  storageVolUpload: write(
    208,
    'storage-vol-upload',
    struct({ volume, offset: byteCount, length: byteCount, flags }),
    nothing,
  ),
}

const networks = {
  connectListAllNetworks: read(
    283,
    'connect-list-all-networks',
    listArgs,
    struct({ networks: list(network, maxItems), count: u32 }),
  ),
  networkLookupByName: read(46, 'network-lookup-by-name', struct({ name: text }), struct({ network })),
}

const events = {
  domainEventRegister: read(
    316,
    'connect-domain-event-callback-register-any',
    struct({ eventId: i32, domain: optional(domain) }),
    struct({ callbackId: i32 }),
  ),
  domainEventDeregister: read(
    317,
    'connect-domain-event-callback-deregister-any',
    struct({ callbackId: i32 }),
    nothing,
  ),
}

/** Numbers and layouts as in libvirt's `remote_protocol.x`. */
export const procedures = {
  ...connection,
  ...node,
  ...domains,
  ...pools,
  ...volumes,
  ...networks,
  ...events,
}

/** Sent by libvirtd on its own, once a callback is registered. */
export const lifecycleMessage = {
  number: 318,
  payload: struct({ callbackId: i32, domain, event: i32, detail: i32 }),
} as const
