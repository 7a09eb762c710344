import { type CallContext, MachineError, sleep } from '@mcm/sdk'
import type { ProviderSpec } from '../provider-spec.ts'
import { type DomainRef, errorCode, isLibvirtError, type Libvirt } from '../rpc/index.ts'
import type { LibvirtConnection } from './connection.ts'

/** How to define a machine's domain for one kind of virtualisation; defining it again is an update. */
export type Define = (virtType: 'kvm' | 'qemu') => Promise<DomainRef>

/** Which virtualisation to try first. */
export async function chooseVirtType(
  libvirt: Libvirt,
  { virtType, machineType }: ProviderSpec,
  connection: LibvirtConnection,
): Promise<'kvm' | 'qemu'> {
  if (virtType !== 'auto') return virtType
  if (connection.kvmWorks !== undefined) return connection.kvmWorks ? 'kvm' : 'qemu'
  try {
    await libvirt.node.domainCapabilities({ virtType: 'kvm', machine: machineType })
    return 'kvm'
  } catch (error) {
    if (!isLibvirtError(error)) throw error
    connection.kvmWorks = false
    return 'qemu'
  }
}

/**
 * Starts a domain. With `auto`, the first machine also finds out whether KVM works: a `/dev/kvm` can be listed and be
 * broken, and a guest on it starts, and pauses or dies within seconds. Then the domain is defined for emulation and
 * started again, and later machines know.
 */
export async function boot(
  libvirt: Libvirt,
  define: Define,
  virtType: 'kvm' | 'qemu',
  {
    spec,
    connection,
    logger,
    signal,
  }: { spec: ProviderSpec; connection: LibvirtConnection } & Pick<CallContext, 'logger' | 'signal'>,
): Promise<void> {
  const isProbe = spec.virtType === 'auto' && virtType === 'kvm' && connection.kvmWorks === undefined
  const domain = await define(virtType)
  if (!isProbe) {
    await startDomain(libvirt, domain)
    return
  }
  const failure = await startOnProbation(libvirt, domain, signal)
  connection.kvmWorks = failure === undefined
  if (failure === undefined) return
  logger.warn('KVM is listed but does not work, machines are emulated', { reason: failure })
  await stopDomain(libvirt, domain)
  await startDomain(libvirt, await define('qemu'))
}

/** Pulls the plug of a domain, if it is in. */
export async function stopDomain(libvirt: Libvirt, domain: DomainRef): Promise<void> {
  try {
    await libvirt.domains.destroy(domain)
  } catch (error) {
    if (!isLibvirtError(error, errorCode.operationInvalid, errorCode.noDomain)) throw error
  }
}

async function startDomain(libvirt: Libvirt, domain: DomainRef): Promise<void> {
  try {
    await libvirt.domains.start(domain)
  } catch (error) {
    // Somebody else has started it, or an earlier call of which the answer got lost.
    if (!isLibvirtError(error, errorCode.operationInvalid)) throw error
    const { state, reason } = await libvirt.domains.state(domain)
    if (state !== 'running' && state !== 'blocked') {
      throw new MachineError(
        'FailedPrecondition',
        `domain ${domain.name} is ${state} (${reason}) and cannot be started`,
      )
    }
  }
}

/** @returns Why KVM does not work, or nothing. */
async function startOnProbation(libvirt: Libvirt, domain: DomainRef, signal: AbortSignal): Promise<string | undefined> {
  try {
    await startDomain(libvirt, domain)
  } catch (error) {
    if (!isLibvirtError(error)) throw error
    return error.detail
  }
  const end = Date.now() + probationMs
  while (Date.now() < end) {
    await sleep(250, signal)
    const { state, reason } = await libvirt.domains.state(domain)
    if (state !== 'running' && state !== 'blocked') return `the guest is ${state} (${reason})`
  }
  return undefined
}

// A broken KVM showed itself within two seconds.
const probationMs = 4000
