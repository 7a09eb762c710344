import { describe, expect, onTestFinished, test } from 'vitest'
import { type DomainRef, errorCode, type Libvirt, openLibvirt } from '../rpc/index.ts'
import { procedures } from '../rpc/procedures.ts'
import { answerCalls, failure, on } from '../rpc/testing/answer-calls.ts'
import { startFakeLibvirtd } from '../rpc/testing/fake-libvirtd.ts'
import { boot, chooseVirtType, type VirtType } from './boot.ts'

const domain: DomainRef = { name: 'a', uuid: '6ba7b810-9dad-11d1-80b4-00c04fd430c8', id: -1 }
const { signal } = new AbortController()
// States by libvirt's numbers.
const running = { state: 1, reason: 1 }
const pausedUnknown = { state: 3, reason: 0 }
const pausedIoError = { state: 3, reason: 5 }
const pausedStartingUp = { state: 3, reason: 11 }
const shutoffCrashed = { state: 5, reason: 3 }
const shutoffByGuest = { state: 5, reason: 1 }

interface Behaviour {
  capabilities?: () => { xml: string }
  /** What a start does, by the type that is defined. */
  start?: (type: VirtType) => void
  /** What each look at the state sees; the last one stays. */
  states?: (type: VirtType) => Array<{ state: number; reason: number }>
}

/** A daemon that says of itself what the test wants: KVM that is listed and broken cannot be had on every host. */
async function daemonWith({ capabilities, start = () => {}, states = () => [running] }: Behaviour) {
  const daemon = await startFakeLibvirtd()
  onTestFinished(() => daemon[Symbol.asyncDispose]())
  const did: string[] = []
  let type: VirtType = 'kvm'
  let looks = 0
  answerCalls(daemon, [
    on(procedures.connectGetDomainCapabilities, ({ virtType, machine }) => {
      did.push(`capabilities ${virtType} ${machine ?? ''}`.trim())
      if (!capabilities) throw failure(errorCode.invalidArgument, 'no KVM here')
      return capabilities()
    }),
    on(procedures.domainCreate, () => {
      did.push(`start ${type}`)
      looks = 0
      start(type)
      return { domain: { ...domain, id: 1 } }
    }),
    on(procedures.domainGetState, () => {
      const all = states(type)
      return all[Math.min(looks++, all.length - 1)] ?? running
    }),
    on(procedures.domainDestroy, () => {
      did.push('stop')
      return {}
    }),
  ])
  const libvirt: Libvirt = await openLibvirt(`qemu+unix:///session?socket=${daemon.target.transport.description}`)
  onTestFinished(() => libvirt.close())
  const define = async (wanted: VirtType) => {
    did.push(`define ${wanted}`)
    type = wanted
    return domain
  }
  return { libvirt, define, did }
}

const warnings: string[] = []
const logger = { debug() {}, info() {}, error() {}, warn: (message: string) => void warnings.push(message) }

async function bootIn(
  behaviour: Behaviour,
  connection: { kvmWorks: boolean | undefined },
  virtType: 'auto' | 'kvm' | 'qemu' = 'auto',
) {
  const { libvirt, define, did } = await daemonWith({ capabilities: () => ({ xml: '<x/>' }), ...behaviour })
  warnings.length = 0
  const chosen = await chooseVirtType(libvirt, { virtType, uri: 'qemu:///session' }, connection)
  await define(chosen)
  const options = { spec: { virtType }, connection, logger, signal, probationMs: 300 }
  await boot(libvirt, domain, { virtType: chosen, define }, options)
  return did.filter((what) => !what.startsWith('capabilities'))
}

describe('auto, where KVM is listed', () => {
  test('and works: it is used, and later machines know', async () => {
    const connection = { kvmWorks: undefined }
    expect(await bootIn({}, connection)).toEqual(['define kvm', 'start kvm'])
    expect(connection.kvmWorks).toBe(true)
    expect(await bootIn({ states: () => [pausedUnknown] }, connection)).toEqual(['define kvm', 'start kvm'])
  })

  const broken: Array<Behaviour & { what: string }> = [
    { what: 'pauses at once', states: (type) => [type === 'kvm' ? pausedUnknown : running] },
    { what: 'pauses after a while', states: (type) => [running, type === 'kvm' ? pausedUnknown : running] },
    { what: 'dies', states: (type) => [type === 'kvm' ? shutoffCrashed : running] },
    {
      what: 'does not start',
      start: (type) => {
        if (type === 'kvm') throw failure(errorCode.internalError, 'failed to initialize kvm')
      },
    },
  ]
  test.each(broken)('and a guest $what: emulation, and later machines know', async (behaviour) => {
    const connection = { kvmWorks: undefined }
    const did = ['define kvm', 'start kvm', 'stop', 'define qemu', 'start qemu']
    expect(await bootIn(behaviour, connection)).toEqual(did)
    expect(connection.kvmWorks).toBe(false)
    expect(warnings).toEqual(['KVM is listed but does not work, machines are emulated'])
    expect(await bootIn(behaviour, connection)).toEqual(['define qemu', 'start qemu'])
  })

  test('and neither way works: that is no fault of KVM', async () => {
    const connection = { kvmWorks: undefined }
    const start = () => {
      throw failure(errorCode.systemError, 'no image')
    }
    await expect(bootIn({ start }, connection)).rejects.toThrow('no image')
    expect(connection.kvmWorks).toBeUndefined()
  })

  test.each([
    { what: 'switches itself off', states: () => [running, shutoffByGuest] },
    { what: 'has a full disk', states: () => [running, pausedIoError] },
    { what: 'is on its way', states: () => [pausedStartingUp, running] },
  ])('and a guest $what: that is no fault of KVM', async (behaviour) => {
    const connection = { kvmWorks: undefined }
    expect(await bootIn(behaviour, connection)).toEqual(['define kvm', 'start kvm'])
    expect(connection.kvmWorks).toBe(true)
  })
})

test('auto, where KVM is not listed: emulation, and no other class is asked again', async () => {
  const { libvirt, did } = await daemonWith({})
  const connection = { kvmWorks: undefined }
  for (let i = 0; i < 2; i++) {
    expect(await chooseVirtType(libvirt, { virtType: 'auto', uri: 'u' }, connection)).toBe('qemu')
  }
  // A machine type that does not exist must not look like a host without KVM.
  expect(did).toEqual(['capabilities kvm'])
})

test('kvm, where it is not listed: says so', async () => {
  const { libvirt } = await daemonWith({})
  const chosen = chooseVirtType(libvirt, { virtType: 'kvm', uri: 'qemu:///system' }, { kvmWorks: undefined })
  await expect(chosen).rejects.toThrow(
    expect.objectContaining({
      code: 'InvalidArgument',
      message: 'virtType kvm: libvirtd at qemu:///system has no KVM: no KVM here',
      violations: [expect.objectContaining({ path: 'providerSpec.virtType' })],
    }),
  )
})

test('kvm and qemu, where they are asked for, are not tried out', async () => {
  const paused = { states: () => [pausedUnknown] }
  expect(await bootIn(paused, { kvmWorks: undefined }, 'kvm')).toEqual(['define kvm', 'start kvm'])
  expect(await bootIn(paused, { kvmWorks: undefined }, 'qemu')).toEqual(['define qemu', 'start qemu'])
})

describe('a domain that somebody else starts', () => {
  const start = () => {
    throw failure(errorCode.operationInvalid, 'domain is already running')
  }
  test('is waited for', async () => {
    const states = () => [pausedStartingUp, pausedStartingUp, running]
    expect(await bootIn({ start, states }, { kvmWorks: undefined }, 'qemu')).toEqual(['define qemu', 'start qemu'])
  })

  test('and that does not get up: try again', async () => {
    const states = () => [pausedStartingUp, shutoffCrashed]
    const booted = bootIn({ start, states }, { kvmWorks: undefined }, 'qemu')
    await expect(booted).rejects.toThrow(expect.objectContaining({ code: 'Aborted' }))
  })

  test('or deletes: try again', async () => {
    const gone = () => {
      throw failure(errorCode.noDomain)
    }
    const booted = bootIn({ start: gone }, { kvmWorks: undefined }, 'qemu')
    await expect(booted).rejects.toThrow(expect.objectContaining({ code: 'Aborted' }))
  })
})
