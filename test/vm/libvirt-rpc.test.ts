import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import {
  ConnectFailed,
  ConnectionLost,
  errorCode,
  type Libvirt,
  type LifecycleWatch,
  openLibvirt,
  type PoolRef,
  UploadSizeError,
} from '../../plugins/libvirt/src/rpc/index.ts'
import {
  type DomainDefinition,
  domainXml,
  emptyVolumeXml,
  type MachineTags,
  overlayVolumeXml,
  poolXml,
  rawVolumeXml,
  readDomain,
  readPool,
  readTags,
  readVolume,
  tagsNamespace,
  tagsPrefix,
  tagsXml,
} from '../../plugins/libvirt/src/xml/index.ts'
import { consoleUntil, guestMarkers } from '../env/guest-console.ts'
import { ensureGuestImage } from '../env/guest-image.ts'
import { type PrivateLibvirtd, startPrivateLibvirtd } from '../env/libvirtd.ts'
import { writeSeed } from './seed.ts'

// The client against a libvirtd and a QEMU that we did not write. All guests but one have nothing to boot from: they
// run, and that is all that is needed of them.
const signal = AbortSignal.timeout(600_000)
let daemon: PrivateLibvirtd
let libvirt: Libvirt
let pool: PoolRef

beforeAll(async () => {
  daemon = await startPrivateLibvirtd({ signal, log: () => {} })
  libvirt = await openLibvirt(daemon.uri, { signal })
  pool = await libvirt.pools.define(poolXml({ name: 'pool <a> & "b"', path: join(daemon.poolDir, 'rpc') }))
  await libvirt.pools.build(pool)
  await libvirt.pools.start(pool)
})

afterEach(async () => {
  for (const domain of await libvirt.domains.list()) {
    const { state } = await libvirt.domains.state(domain)
    if (state !== 'shutoff') await libvirt.domains.destroy(domain)
    await libvirt.domains.undefine(domain)
  }
  for (const volume of await libvirt.pools.listVolumes(pool)) await libvirt.volumes.delete(volume)
})

afterAll(async () => {
  await libvirt?.close()
  await daemon?.close()
})

const tags: MachineTags = {
  cluster: 'shoot',
  machine: 'a',
  namespace: 'machines',
  machineClass: 'tiny',
  extra: { '<k> & "q"': `<v> & "q" '&lt;' &amp;#65;` },
  files: [{ kind: 'disk', path: '/pool/a b' }],
}

function tiny(name: string, part: Partial<DomainDefinition> = {}): DomainDefinition {
  const uuid = randomUUID()
  return { name, uuid, memoryMiB: 64, cpus: 1, virtType: 'qemu', disks: [], networks: [], tags, ...part }
}

const libvirtError = (code: number) => expect.objectContaining({ name: 'LibvirtError', code })
const metadata = { namespace: tagsNamespace }

/** The names of events until the last of them is the one that is looked for. */
async function eventsUntil(watch: LifecycleWatch, last: string): Promise<string[]> {
  const seen: string[] = []
  for await (const { event, detail } of watch) {
    seen.push(`${event}/${detail}`)
    if (seen.at(-1) === last) break
  }
  return seen
}

test('the host says what it is', async () => {
  expect(await libvirt.node.libvirtVersion()).toMatch(/^\d+\.\d+\.\d+$/)
  expect(await libvirt.node.hypervisorVersion()).toMatch(/^\d+\.\d+\.\d+$/)
  expect(await libvirt.node.hostname()).not.toBe('')
  expect(await libvirt.node.capabilities()).toContain('<capabilities>')
  const query = { virtType: 'qemu', machine: 'q35', arch: 'x86_64' } as const
  expect(await libvirt.node.domainCapabilities(query)).toContain('<domainCapabilities>')
})

test('a machine is defined, started, destroyed and undefined, and the events tell it', async () => {
  const watch = await libvirt.watchDomains({ signal })
  const wanted = tiny('a b;$(id) <x> &amp;')
  const domain = await libvirt.domains.define(domainXml(wanted))
  expect(domain).toEqual({ name: wanted.name, uuid: wanted.uuid, id: -1 })
  expect(await libvirt.domains.state(domain)).toMatchObject({ state: 'shutoff' })
  expect((await libvirt.domains.start(domain)).id).toBeGreaterThan(0)
  expect(await libvirt.domains.state(domain)).toEqual({ state: 'running', reason: 'booted' })
  expect(readDomain(await libvirt.domains.xml(domain))).toMatchObject({ name: wanted.name, uuid: wanted.uuid, tags })
  expect(await libvirt.domains.findByName(wanted.name)).toMatchObject({ uuid: wanted.uuid })
  await libvirt.domains.shutdown(domain)
  await libvirt.domains.destroy(domain)
  expect(await libvirt.domains.state(domain)).toEqual({ state: 'shutoff', reason: 'destroyed' })
  await libvirt.domains.undefine(domain)
  expect(await libvirt.domains.findByUuid(wanted.uuid)).toBeUndefined()
  expect(await eventsUntil(watch, 'undefined/removed')).toEqual([
    'defined/added',
    'resumed/unpaused',
    'started/booted',
    'shutdown/host',
    'stopped/destroyed',
    'undefined/removed',
  ])
})

test('what is not there is told by number', async () => {
  await expect(libvirt.domains.lookupByName('none')).rejects.toThrow(libvirtError(errorCode.noDomain))
  await expect(libvirt.domains.lookupByUuid(randomUUID())).rejects.toThrow(libvirtError(errorCode.noDomain))
  await expect(libvirt.pools.lookupByName('none')).rejects.toThrow(libvirtError(errorCode.noStoragePool))
  await expect(libvirt.volumes.lookupByName(pool, 'none')).rejects.toThrow(libvirtError(errorCode.noStorageVolume))
  await expect(libvirt.networks.lookupByName('none')).rejects.toThrow(libvirtError(errorCode.noNetwork))
  expect(await libvirt.volumes.findByPath('/none')).toBeUndefined()
  expect(await libvirt.networks.list()).toEqual([])
})

test('the wrong moment, the wrong name and the wrong XML are told by number', async () => {
  const wanted = tiny('once')
  const domain = await libvirt.domains.define(domainXml(wanted))
  await expect(libvirt.domains.destroy(domain)).rejects.toThrow(libvirtError(errorCode.operationInvalid))
  await libvirt.domains.start(domain)
  await expect(libvirt.domains.start(domain)).rejects.toThrow(libvirtError(errorCode.operationInvalid))
  expect(await libvirt.domains.define(domainXml({ ...wanted, cpus: 2 }))).toMatchObject({ uuid: wanted.uuid })
  const sameName = domainXml(tiny('once'))
  await expect(libvirt.domains.define(sameName)).rejects.toThrow(libvirtError(errorCode.operationFailed))
  const withSlash = domainXml(tiny('a/b'))
  await expect(libvirt.domains.define(withSlash)).rejects.toThrow(libvirtError(errorCode.xmlError))
  await expect(libvirt.domains.define('<domain/>')).rejects.toThrow(libvirtError(errorCode.xmlInvalidSchema))
})

test('every kind of machine is one that libvirt accepts', async () => {
  const kinds: Array<Partial<DomainDefinition>> = [
    { cpu: 'maximum' },
    { firmware: 'efi' },
    { guestAgent: true },
    { networks: [{ kind: 'user' }, { kind: 'network', name: 'default' }, { kind: 'bridge', name: 'br0' }] },
    { networks: [{ kind: 'user', forwards: [{ hostPort: 20_022, guestPort: 22 }] }] },
    { directBoot: { kernel: '/k', initrd: '/i', commandLine: 'console=ttyS0' } },
    { disks: [{ path: '/a b,c', format: 'raw' }], seedIso: '/seed', consoleLog: '/console' },
  ]
  for (const [index, kind] of kinds.entries()) {
    const domain = await libvirt.domains.define(domainXml(tiny(`kind-${index}`, kind)))
    expect(readDomain(await libvirt.domains.xml(domain, { of: 'config' })).tags).toEqual(tags)
  }
})

test('tags live in the machine and can be changed while it runs', async () => {
  const domain = await libvirt.domains.define(domainXml(tiny('tagged')))
  await libvirt.domains.start(domain)
  expect(readTags((await libvirt.domains.metadata(domain, metadata)) ?? '')).toEqual(tags)
  const changed = { ...tags, extra: { a: 'b' } }
  for (const of of ['live', 'config'] as const) {
    await libvirt.domains.setMetadata(domain, tagsXml(changed), { ...metadata, prefix: tagsPrefix, of })
    expect(readTags((await libvirt.domains.metadata(domain, { ...metadata, of })) ?? '')).toEqual(changed)
    expect(readDomain(await libvirt.domains.xml(domain)).tags).toEqual(changed)
  }
  await libvirt.domains.setMetadata(domain, undefined, { ...metadata, prefix: tagsPrefix, of: 'live' })
  expect(await libvirt.domains.metadata(domain, { ...metadata, of: 'live' })).toBeUndefined()
})

test('twenty machines are listed, each with its tags', async () => {
  const names = Array.from({ length: 20 }, (_, index) => `many-${index}`)
  await Promise.all(
    names.map((name) => libvirt.domains.define(domainXml(tiny(name, { tags: { ...tags, machine: name } })))),
  )
  const domains = await libvirt.domains.list()
  const found = await Promise.all(domains.map((domain) => libvirt.domains.metadata(domain, metadata)))
  expect(found.map((xml) => readTags(xml ?? '').machine).toSorted()).toEqual(names.toSorted())
})

test('a QEMU that is killed is an event, a reason, and no obstacle', async () => {
  const domain = await libvirt.domains.define(domainXml(tiny('victim')))
  await libvirt.domains.start(domain)
  await using watch = await libvirt.watchDomains({ signal })
  const [pid] = await daemon.qemuProcesses()
  if (pid === undefined) throw new Error('no QEMU runs')
  process.kill(pid, 'SIGKILL')
  expect(await eventsUntil(watch, 'stopped/failed')).toEqual(['stopped/failed'])
  expect(await libvirt.domains.state(domain)).toEqual({ state: 'shutoff', reason: 'crashed' })
  await expect(libvirt.domains.destroy(domain)).rejects.toThrow(libvirtError(errorCode.operationInvalid))
  await libvirt.domains.start(domain)
  expect(await libvirt.domains.state(domain)).toMatchObject({ state: 'running' })
})

test('disks: a base, an overlay on it, and what libvirt says about them', async () => {
  const { volumes } = libvirt
  const base = await volumes.create(pool, emptyVolumeXml({ name: 'base.qcow2', capacityBytes: 1 << 25 }))
  const basePath = await volumes.path(base)
  const overlay = {
    name: 'a b;$(id) <x> &.qcow2',
    capacityBytes: 1 << 26,
    base: { path: basePath, format: 'qcow2' },
  } as const
  const volume = await volumes.create(pool, overlayVolumeXml(overlay))
  expect(volume).toMatchObject({ name: overlay.name })
  expect(readVolume(await volumes.xml(volume))).toMatchObject({ ...overlay, path: volume.key, format: 'qcow2' })
  expect(await volumes.info(volume)).toMatchObject({ type: 'file', capacityBytes: 1 << 26 })
  expect(await volumes.findByPath(volume.key)).toEqual(volume)
  expect(await volumes.lookupByKey(volume.key)).toEqual(volume)
  await expect(volumes.create(pool, overlayVolumeXml(overlay))).rejects.toThrow(
    libvirtError(errorCode.storageVolumeExists),
  )
  const orphan = overlayVolumeXml({ ...overlay, name: 'orphan', base: { path: '/none', format: 'qcow2' } })
  await expect(volumes.create(pool, orphan)).rejects.toThrow(libvirtError(errorCode.systemError))
  const copy = await volumes.createFrom(pool, emptyVolumeXml({ name: 'copy', capacityBytes: 1 << 25 }), base)
  expect((await libvirt.pools.listVolumes(pool)).map(({ name }) => name).toSorted()).toEqual(
    [base.name, volume.name, copy.name].toSorted(),
  )
  const disk = { path: volume.key, format: 'qcow2' } as const
  const domain = await libvirt.domains.define(
    domainXml(tiny('with-disk', { disks: [disk], networks: [{ kind: 'user' }] })),
  )
  await libvirt.domains.start(domain)
  expect(await libvirt.domains.state(domain)).toMatchObject({ state: 'running' })
})

test('the pool is found, described and refreshed', async () => {
  expect(await libvirt.pools.list()).toEqual([pool])
  expect(await libvirt.pools.findByName(pool.name)).toEqual(pool)
  expect(readPool(await libvirt.pools.xml(pool))).toMatchObject({ name: pool.name, path: join(daemon.poolDir, 'rpc') })
  expect(await libvirt.pools.info(pool)).toMatchObject({ state: 'running' })
  await libvirt.pools.refresh(pool)
})

test('an upload arrives whole, from bytes and from a stream, while other calls go on', async () => {
  const { volumes } = libvirt
  const content = Buffer.alloc(8_000_001, 'some content, ')
  const one = await volumes.create(pool, rawVolumeXml({ name: 'one', capacityBytes: content.byteLength }))
  const other = await volumes.create(pool, rawVolumeXml({ name: 'other', capacityBytes: content.byteLength + 10 }))
  const chunks = (async function* () {
    for (let at = 0; at < content.byteLength; at += 300_000) yield content.subarray(at, at + 300_000)
  })()
  await Promise.all([
    volumes.upload(one, content),
    volumes.upload(other, { length: content.byteLength, chunks }),
    libvirt.domains.list(),
  ])
  expect((await readFile(one.key)).equals(content)).toBe(true)
  expect((await readFile(other.key)).subarray(0, content.byteLength).equals(content)).toBe(true)
})

test('a guest boots from an overlay, runs its user data from an uploaded seed, and its console is on file', async () => {
  const { volumes, domains } = libvirt
  const image = await ensureGuestImage({ signal, log: () => {} })
  const seedFile = join(daemon.poolDir, 'seed.iso')
  await writeSeed(seedFile, { hostname: 'guest', userData: '#!/bin/sh\necho "this is $(hostname)"\n' }, signal)
  const seedBytes = await readFile(seedFile)
  const seed = await volumes.create(pool, rawVolumeXml({ name: 'seed', capacityBytes: seedBytes.byteLength }))
  await volumes.upload(seed, seedBytes)
  const base = { path: image.path, format: 'qcow2' } as const
  const disk = await volumes.create(pool, overlayVolumeXml({ name: 'root', capacityBytes: 1 << 28, base }))
  const consoleLog = join(daemon.poolDir, 'guest.log')
  const wanted = tiny('guest', {
    memoryMiB: 128,
    disks: [{ path: disk.key, format: 'qcow2' }],
    seedIso: seed.key,
    networks: [{ kind: 'user' }],
    consoleLog,
  })
  const domain = await domains.define(domainXml(wanted))
  await domains.start(domain)
  const lines = await consoleUntil(consoleLog, guestMarkers.ready, signal)
  expect(lines.join('\n')).toContain('this is guest')
  // What the guest can say about itself without being told.
  expect(lines.join('\n').toLowerCase()).toContain(wanted.uuid)
  await using watch = await libvirt.watchDomains({ signal })
  await domains.shutdown(domain)
  expect(await eventsUntil(watch, 'stopped/shutdown')).toContain('stopped/shutdown')
})

test('an upload that does not fit, or stops half-way, fails and leaves the connection as it was', async () => {
  const { volumes } = libvirt
  const volume = await volumes.create(pool, rawVolumeXml({ name: 'small', capacityBytes: 1000 }))
  await expect(volumes.upload(volume, Buffer.alloc(1001))).rejects.toThrow(UploadSizeError)
  const half = (async function* () {
    yield Buffer.alloc(500)
  })()
  await expect(volumes.upload(volume, { length: 1000, chunks: half })).rejects.toThrow(UploadSizeError)
  const controller = new AbortController()
  const endless = (async function* () {
    yield Buffer.alloc(500)
    controller.abort()
    await new Promise(() => {})
  })()
  const stopped = volumes.upload(volume, { length: 1000, chunks: endless }, { signal: controller.signal })
  await expect(stopped).rejects.toThrow(expect.objectContaining({ name: 'CallAbandoned', sent: true }))
  await volumes.upload(volume, Buffer.alloc(1000, 'x'))
  expect((await readFile(volume.key)).toString()).toBe('x'.repeat(1000))
})

test('looks are quick while many machines start', async () => {
  const names = ['s1', 's2', 's3', 's4', 's5', 's6']
  const domains = await Promise.all(names.map((name) => libvirt.domains.define(domainXml(tiny(name)))))
  const starts = Promise.all(domains.map((domain) => libvirt.domains.start(domain)))
  let started = false
  void starts.then(() => (started = true))
  expect(await libvirt.domains.list()).toHaveLength(6)
  expect(started).toBe(false)
  await starts
})

test('a start that is given up goes on in libvirtd', async () => {
  const domain = await libvirt.domains.define(domainXml(tiny('given-up')))
  await using watch = await libvirt.watchDomains({ signal })
  const start = libvirt.domains.start(domain, { deadline: Date.now() + 20 })
  await expect(start).rejects.toThrow(expect.objectContaining({ name: 'CallAbandoned', sent: true }))
  await eventsUntil(watch, 'started/booted')
  expect(await libvirt.domains.state(domain)).toMatchObject({ state: 'running' })
})

test('libvirtd killed during a call: the call fails at once, and a machine that runs is found again', async () => {
  const survivor = await libvirt.domains.define(domainXml(tiny('survivor')))
  await libvirt.domains.start(survivor)
  const starting = await libvirt.domains.define(domainXml(tiny('starting')))
  const watch = await libvirt.watchDomains({ signal })
  const watched = eventsUntil(watch, 'never')
  const outcome = libvirt.domains.start(starting).catch((error: unknown) => error)
  const watchOutcome = watched.catch((error: unknown) => error)
  const killed = performance.now()
  await daemon.killHard()
  expect(await outcome).toBeInstanceOf(ConnectionLost)
  expect(await outcome).toMatchObject({ procedure: 'domain-create-with-flags', sent: true })
  expect(performance.now() - killed).toBeLessThan(2000)
  expect(await watchOutcome).toBeInstanceOf(ConnectionLost)
  await libvirt.closed
  expect(libvirt.isOpen).toBe(false)
  await expect(libvirt.domains.list()).rejects.toThrow(ConnectionLost)
  await expect(openLibvirt(daemon.uri)).rejects.toThrow(ConnectFailed)

  await daemon.restart(signal)
  libvirt = await openLibvirt(daemon.uri, { signal })
  expect(await libvirt.domains.state(survivor)).toMatchObject({ state: 'running' })
  if ((await libvirt.domains.state(starting)).state !== 'running') await libvirt.domains.start(starting)
  expect(await libvirt.domains.state(starting)).toMatchObject({ state: 'running' })
  expect(await libvirt.pools.info(pool)).toMatchObject({ state: 'running' })
})

test('a libvirtd that hangs is noticed, and the same daemon serves the next connection', async () => {
  await using impatient = await openLibvirt(daemon.uri, { keepalive: { intervalMs: 100, attempts: 3 } })
  const { pid } = daemon
  if (pid === undefined) throw new Error('no libvirtd runs')
  process.kill(pid, 'SIGSTOP')
  try {
    await expect(impatient.domains.list()).rejects.toThrow(ConnectionLost)
    expect(await impatient.closed).toMatchObject({ message: 'libvirtd no longer answers' })
  } finally {
    process.kill(pid, 'SIGCONT')
  }
  await using again = await openLibvirt(daemon.uri)
  expect(await again.domains.list()).toEqual([])
})
