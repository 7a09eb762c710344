import type { CallContext, MachineCall, MachineVm } from '@mcm/sdk'
import type { ProviderSpec } from '../provider-spec.ts'
import type { DomainRef, Libvirt } from '../rpc/index.ts'
import type { SecretName } from '../secret-keys.ts'
import { noCloudSeed } from '../seed/no-cloud.ts'
import { domainXml, type MachineTags, type Network } from '../xml/index.ts'
import { boot, chooseVirtType, type Define, type VirtType } from './boot.ts'
import type { LibvirtConnection } from './connection.ts'
import { diskBytes, ensureDisk } from './disk.ts'
import { deleteLeftovers, ensureConsoleLog, ensureSeed, fileNames, ownedFiles } from './files.ts'
import { fingerprint, fingerprintTag } from './fingerprint.ts'
import type { Identity } from './identity.ts'
import { baseImage } from './image.ts'
import { ensurePool } from './pool.ts'
import { describeVm } from './vm.ts'

/** A call about one machine of this plugin. */
export type LibvirtCall = MachineCall<ProviderSpec, SecretName>

/** Makes a machine, or what an interrupted call has not made of it, and starts it. */
export async function makeMachine(
  libvirt: Libvirt,
  connection: LibvirtConnection,
  identity: Identity,
  call: LibvirtCall,
  context: CallContext,
): Promise<MachineVm> {
  const { domain, ...how } = await prepareMachine(libvirt, connection, identity, call, context)
  const { logger, signal } = context
  await boot(libvirt, domain, how, { spec: call.spec, connection, logger, signal })
  return await describeVm(libvirt, domain, identity.machine)
}

/**
 * Makes all of a machine but does not start it.
 *
 * The order keeps what two calls at once, and a crash at any point, must not break:
 * - The seed comes before the definition, so no definition ever names a seed that is not whole.
 * - The definition comes before the disk, so a disk without a domain is a leftover, and the domain remembers its files.
 * - The disk comes before the start, so nobody starts a machine without one.
 */
export async function prepareMachine(
  libvirt: Libvirt,
  connection: LibvirtConnection,
  identity: Identity,
  { machineClass, spec, secret }: LibvirtCall,
  context: CallContext,
): Promise<{ domain: DomainRef; virtType: VirtType; define: Define }> {
  const { signal } = context
  const virtType = await chooseVirtType(libvirt, spec, connection)
  const pool = await ensurePool(libvirt, spec, signal)
  const base = await baseImage(libvirt, connection, pool, spec, context)
  const capacityBytes = await diskBytes(libvirt, pool.ref, identity.stem, base, spec)
  const seed = noCloudSeed({
    instanceId: identity.uuid,
    hostname: identity.machine,
    userData: secret.bytes('userData'),
  })
  const names = fileNames(identity, seed)
  const tags: MachineTags = {
    cluster: identity.cluster,
    machine: identity.machine,
    namespace: identity.namespace,
    machineClass: machineClass.metadata.name,
    extra: { ...spec.tags, [fingerprintTag]: fingerprint(spec) },
    files: ownedFiles(pool, names),
  }
  const define = async (type: VirtType) => {
    const started = performance.now()
    const domain = await libvirt.domains.define(
      domainXml({
        name: identity.domainName,
        uuid: identity.uuid,
        memoryMiB: spec.memoryMiB,
        cpus: spec.cpus,
        virtType: type,
        machine: spec.machineType,
        firmware: spec.firmware,
        disks: [{ path: `${pool.path}/${names.disk}`, format: 'qcow2' }],
        seedIso: `${pool.path}/${names.seed}`,
        networks: spec.networks.map(networkOf),
        consoleLog: `${pool.path}/${names.console}`,
        tags,
      }),
    )
    warnWhenSlow(performance.now() - started, context)
    return domain
  }
  await ensureSeed(libvirt, pool.ref, names.seed, seed, signal)
  await deleteLeftovers(libvirt, pool.ref, identity)
  const domain = await define(virtType)
  await ensureConsoleLog(libvirt, pool.ref, names.console, signal)
  await ensureDisk(libvirt, pool.ref, { name: names.disk, base, capacityBytes }, signal)
  return { domain, virtType, define }
}

function networkOf(network: ProviderSpec['networks'][number]): Network {
  switch (network.type) {
    case 'user':
      return { kind: 'user', forwards: network.forwards }
    case 'network':
      return { kind: 'network', name: network.name }
    case 'bridge':
      return { kind: 'bridge', name: network.name }
  }
}

function warnWhenSlow(ms: number, { logger }: CallContext): void {
  if (ms < slowDefineMs) return
  logger.warn(
    'libvirtd took seconds to define a domain; where /dev/kvm belongs to root alone it probes QEMU anew each time: make /dev/kvm usable or absent, or use a session daemon',
    { seconds: Math.round(ms / 1000) },
  )
}

const slowDefineMs = 5000
