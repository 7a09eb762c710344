import { type CallContext, MachineError, sleep, waitFor } from '@mcm/sdk'
import type { ProviderSpec } from '../provider-spec.ts'
import { type DomainRef, type DomainState, errorCode, isLibvirtError, type Libvirt } from '../rpc/index.ts'
import type { LibvirtConnection } from './connection.ts'
import { isOn } from './vm.ts'

export type VirtType = 'kvm' | 'qemu'

/** How to define a machine's domain for one kind of virtualisation; defining it again is an update. */
export type Define = (virtType: VirtType) => Promise<DomainRef>

/** Which virtualisation to try first. */
export async function chooseVirtType(
  libvirt: Libvirt,
  { virtType, uri }: Pick<ProviderSpec, 'virtType' | 'uri'>,
  connection: Pick<LibvirtConnection, 'kvmWorks'>,
): Promise<VirtType> {
  if (virtType === 'qemu') return 'qemu'
  if (virtType === 'auto' && connection.kvmWorks !== undefined) return connection.kvmWorks ? 'kvm' : 'qemu'
  try {
    // Whether a machine type or a CPU fits is another question, which the definition asks.
    await libvirt.node.domainCapabilities({ virtType: 'kvm', arch: 'x86_64' })
    return 'kvm'
  } catch (error) {
    if (!isLibvirtError(error)) throw error
    if (virtType === 'auto') {
      connection.kvmWorks = false
      return 'qemu'
    }
    const message = `libvirtd at ${uri} has no KVM: ${error.detail}`
    const violations = [{ path: 'providerSpec.virtType', message }]
    throw new MachineError('InvalidArgument', `virtType kvm: ${message}`, { cause: error, violations })
  }
}

/**
 * Starts a domain that is defined. With `auto`, the first machine also finds out whether KVM works: a `/dev/kvm` can be
 * listed and be broken, and a guest on it starts, and pauses or dies within seconds. Then the domain is defined for
 * emulation and started again, and later machines know.
 */
export async function boot(
  libvirt: Libvirt,
  domain: DomainRef,
  { virtType, define }: { virtType: VirtType; define: Define },
  {
    spec,
    connection,
    logger,
    signal,
    probationMs = defaultProbationMs,
  }: {
    spec: Pick<ProviderSpec, 'virtType'>
    connection: Pick<LibvirtConnection, 'kvmWorks'>
    probationMs?: number
  } & Pick<CallContext, 'logger' | 'signal'>,
): Promise<void> {
  const isProbe = spec.virtType === 'auto' && virtType === 'kvm' && connection.kvmWorks === undefined
  if (!isProbe) {
    await startDomain(libvirt, domain, signal)
    return
  }
  const failure = await startOnProbation(libvirt, domain, probationMs, signal)
  if (failure === undefined) {
    connection.kvmWorks = true
    return
  }
  await stopDomain(libvirt, domain)
  await startDomain(libvirt, await define('qemu'), signal)
  // Only now: what fails in both ways is not KVM's fault.
  connection.kvmWorks = false
  logger.warn('KVM is listed but does not work, machines are emulated', { reason: failure })
}

/** Pulls the plug of a domain, if it is in. */
export async function stopDomain(libvirt: Libvirt, domain: DomainRef): Promise<void> {
  try {
    await libvirt.domains.destroy(domain)
  } catch (error) {
    if (!isLibvirtError(error, errorCode.operationInvalid, errorCode.noDomain)) throw error
  }
}

async function startDomain(libvirt: Libvirt, domain: DomainRef, signal: AbortSignal): Promise<void> {
  try {
    await libvirt.domains.start(domain)
  } catch (error) {
    if (isLibvirtError(error, errorCode.noDomain)) {
      const text = `domain ${domain.name} was deleted while it was being made`
      throw new MachineError('Aborted', text, { cause: error })
    }
    if (!isLibvirtError(error, errorCode.operationInvalid)) throw error
    // Somebody else has started it, or an earlier call of which the answer got lost.
    await becomesSettled(libvirt, domain, signal)
  }
}

/** A start of somebody else can still be on its way, and can still fail. */
async function becomesSettled(libvirt: Libvirt, domain: DomainRef, signal: AbortSignal): Promise<void> {
  const state = await waitFor(
    async () => {
      const now = await libvirt.domains.state(domain)
      return isMoving(now) ? undefined : now
    },
    { signal, what: `domain ${domain.name} to start`, intervalMs: 50, maxIntervalMs: 500, timeoutMs: settleMs },
  )
  if (isOn(state)) return
  const text = `domain ${domain.name} is ${state.state} (${state.reason}) after a start`
  throw new MachineError('Aborted', text)
}

function isMoving({ state, reason }: DomainState): boolean {
  return state === 'shutdown' || (state === 'paused' && reason === 'starting-up')
}

/** @returns Why KVM does not work, or nothing. */
async function startOnProbation(
  libvirt: Libvirt,
  domain: DomainRef,
  probationMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    await startDomain(libvirt, domain, signal)
  } catch (error) {
    if (!isLibvirtError(error)) throw error
    return error.detail
  }
  const end = performance.now() + probationMs
  while (performance.now() < end) {
    await sleep(probationStepMs, signal)
    const state = await libvirt.domains.state(domain)
    if (!isMoving(state) && !isHealthy(state)) return `the guest is ${state.state} (${state.reason})`
  }
  return undefined
}

/** A guest that switched itself off, or whose disk is full, has run. */
function isHealthy({ state, reason }: DomainState): boolean {
  if (state === 'shutoff') return reason === 'shutdown'
  return state === 'running' || state === 'blocked' || (state === 'paused' && reason === 'io-error')
}

// A broken KVM showed itself within two seconds.
const defaultProbationMs = 4000
const probationStepMs = 250
const settleMs = 30_000
