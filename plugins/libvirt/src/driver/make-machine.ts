import { createHash } from 'node:crypto'
import type { CallContext, MachineCall, MachineVm } from '@mcm/sdk'
import type { ProviderSpec } from '../provider-spec.ts'
import type { Libvirt } from '../rpc/index.ts'
import type { SecretName } from '../secret-keys.ts'
import { noCloudSeed } from '../seed/no-cloud.ts'
import { domainXml, type MachineTags, type Network } from '../xml/index.ts'
import { boot, chooseVirtType } from './boot.ts'
import type { LibvirtConnection } from './connection.ts'
import { ensureFiles, fileNames, ownedFiles } from './files.ts'
import type { MachineDomain } from './find.ts'
import type { Identity } from './identity.ts'
import { baseImage } from './image.ts'
import { ensurePool } from './pool.ts'
import { describeVm, isOn } from './vm.ts'

/** A call about one machine of this plugin. */
export type LibvirtCall = MachineCall<ProviderSpec, SecretName>

/** Makes what an interrupted creation has not made yet, and starts a machine that is off. */
export async function finishMachine(
  libvirt: Libvirt,
  connection: LibvirtConnection,
  { domain, tags }: MachineDomain,
  call: LibvirtCall,
  context: CallContext,
): Promise<MachineVm> {
  if (!isOn(await libvirt.domains.state(domain))) {
    const identity: Identity = {
      cluster: tags.cluster,
      namespace: tags.namespace,
      machine: tags.machine,
      uuid: domain.uuid,
      domainName: domain.name,
    }
    return await makeMachine(libvirt, connection, identity, call, context)
  }
  return await describeVm(libvirt, domain, tags.machine)
}

export async function makeMachine(
  libvirt: Libvirt,
  connection: LibvirtConnection,
  identity: Identity,
  { machineClass, spec, secret }: LibvirtCall,
  context: CallContext,
): Promise<MachineVm> {
  const { uuid, machine: hostname } = identity
  const pool = await ensurePool(libvirt, spec)
  const base = await baseImage(libvirt, pool, spec, context)
  const names = fileNames(identity)
  const tags: MachineTags = {
    cluster: identity.cluster,
    machine: identity.machine,
    namespace: identity.namespace,
    machineClass: machineClass.metadata.name,
    extra: { ...spec.tags, [fingerprintTag]: fingerprint(spec) },
    files: ownedFiles(pool, names),
  }
  const define = async (virtType: 'kvm' | 'qemu') => {
    const started = Date.now()
    const domain = await libvirt.domains.define(
      domainXml({
        name: identity.domainName,
        uuid,
        memoryMiB: spec.memoryMiB,
        cpus: spec.cpus,
        virtType,
        machine: spec.machineType,
        firmware: spec.firmware,
        disks: [{ path: `${pool.path}/${names.disk}`, format: 'qcow2' }],
        seedIso: `${pool.path}/${names.seed}`,
        networks: spec.networks.map(networkOf),
        consoleLog: `${pool.path}/${names.console}`,
        tags,
      }),
    )
    warnWhenSlow(Date.now() - started, context)
    return domain
  }
  const virtType = await chooseVirtType(libvirt, spec, connection)
  const domain = await define(virtType)
  const seed = noCloudSeed({ instanceId: uuid, hostname, userData: secret.bytes('userData') })
  await ensureFiles(libvirt, pool.ref, names, { base, spec, seed })
  await boot(libvirt, define, virtType, { spec, connection, ...pick(context) })
  return await describeVm(libvirt, domain, identity.machine)
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

// Beside the user's own tags, whose pattern allows no colon.
export const fingerprintTag = 'mcm:fingerprint'

/** What a VM cannot change once it is made. */
export function fingerprint({ image, cpus, memoryMiB, firmware, machineType }: ProviderSpec): string {
  return createHash('sha256')
    .update(JSON.stringify([image, cpus, memoryMiB, firmware, machineType]))
    .digest('hex')
    .slice(0, 16)
}

function warnWhenSlow(ms: number, { logger }: CallContext): void {
  if (ms < slowDefineMs) return
  logger.warn(
    'libvirtd took seconds to define a domain; where /dev/kvm belongs to root alone it probes QEMU anew each time: make /dev/kvm usable or absent, or use a session daemon',
    { seconds: Math.round(ms / 1000) },
  )
}

function pick({ logger, signal }: CallContext): Pick<CallContext, 'logger' | 'signal'> {
  return { logger, signal }
}

const slowDefineMs = 5000
