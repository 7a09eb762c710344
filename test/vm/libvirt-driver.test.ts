import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  domainXml,
  emptyVolumeXml,
  type MachineTags,
  rawVolumeXml,
  readDomain,
  readVolume,
} from '../../plugins/libvirt/src/xml/index.ts'
import { consoleUntil, guestMarkers } from '../env/guest-console.ts'
import { ensureGuestImage } from '../env/guest-image.ts'
import { cluster, DriverWorld, nothing } from './testing/driver-world.ts'

// The plugin through its definition, against a libvirtd and a QEMU that we did not write.
const signal = AbortSignal.timeout(600_000)
let world: DriverWorld

beforeAll(async () => {
  world = await DriverWorld.start(signal)
})
afterEach(async () => await world.clear())
afterAll(async () => await world?.[Symbol.asyncDispose]())

const code = (wanted: string, message?: RegExp) =>
  expect.objectContaining({ code: wanted, ...(message && { message: expect.stringMatching(message) }) })

/** A domain that our plugin did not make. */
async function defineDomain(name: string, uuid: string, tags: Partial<MachineTags> = {}) {
  const all: MachineTags = {
    cluster,
    machine: 'a',
    namespace: 'default',
    machineClass: 'c',
    extra: {},
    files: [],
    ...tags,
  }
  const xml = domainXml({ name, uuid, memoryMiB: 32, cpus: 1, virtType: 'qemu', disks: [], networks: [], tags: all })
  return await world.libvirt.domains.define(xml)
}

test('a machine lives: made, booted with its user data, seen, adopted, deleted, and nothing is left', async () => {
  const image = await ensureGuestImage({ signal, log: () => {} })
  const changes = { image: { path: image.path }, memoryMiB: 96, networks: [{ type: 'user' }], diskGiB: 0.25 }
  const request = world.request(
    'worker-1',
    { ...changes, tags: { owner: 'a <b> & "c"' } },
    '#!/bin/sh\necho "secret is $(hostname)"\ncat /sys/block/vda/size\n',
  )
  const { uuid, stem } = world.identity('worker-1')

  const vm = await world.plugin.call('createMachine', request, { signal })

  expect(vm).toEqual({
    providerID: `libvirt:///${uuid}`,
    nodeName: 'worker-1',
    addresses: [{ type: 'Hostname', address: 'worker-1' }],
  })
  const lines = await consoleUntil(join(world.poolPath, `${stem}_console.log`), guestMarkers.ready, signal)
  expect(lines).toContain(`${guestMarkers.uuid} ${uuid}`)
  expect(lines).toContain(`${guestMarkers.instance} ${uuid} hostname worker-1`)
  expect(lines).toContain('secret is worker-1')
  // The guest counts sectors.
  expect(lines).toContain(String(2 ** 28 / 512))

  const known = { ...request, machine: { ...request.machine, spec: { providerID: vm.providerID } } }
  expect(await world.plugin.call('getMachineStatus', request)).toEqual(vm)
  expect(await world.plugin.call('getMachineStatus', known)).toEqual(vm)
  expect(await world.plugin.call('listMachines', request)).toEqual({ machineList: { [vm.providerID]: 'worker-1' } })
  expect(await world.plugin.call('createMachine', request)).toEqual(vm)
  expect(await world.plugin.call('initializeMachine', known)).toEqual(vm)
  const { files, ...others } = await world.everything()
  expect(others).toEqual({ domains: [stem], processes: 1 })
  expect(files).toHaveLength(3)
  // The seed holds user data, and user data holds secrets.
  for (const file of files) expect((await stat(join(world.poolPath, file))).mode & 0o077).toBe(0)
  expect(JSON.stringify(world.plugin.log)).not.toContain('secret is')

  expect(await world.plugin.call('deleteMachine', known)).toEqual({})
  expect(await world.everything()).toEqual(nothing)
  expect(await world.plugin.call('deleteMachine', known)).toEqual({})
  expect(await world.plugin.call('deleteMachine', request)).toEqual({})
  await expect(world.plugin.call('getMachineStatus', request)).rejects.toThrow(code('NotFound'))
  expect(await world.plugin.call('listMachines', request)).toEqual({ machineList: {} })
})

test('a machine that never was: not found, and deleted with success', async () => {
  const request = world.request('never')
  const known = {
    ...request,
    machine: { ...request.machine, spec: { providerID: `libvirt:///${world.identity('x').uuid}` } },
  }
  for (const one of [request, known]) {
    await expect(world.plugin.call('getMachineStatus', one)).rejects.toThrow(code('NotFound'))
    await expect(world.plugin.call('initializeMachine', one)).rejects.toThrow(code('NotFound'))
    expect(await world.plugin.call('deleteMachine', one)).toEqual({})
  }
})

describe('names', () => {
  test.each(['a b;$(id)', 'a/b', '..', 'A', 'a_b', 'ä', '-a', 'a'.repeat(300), 'a'.repeat(64)])(
    '%j is refused',
    async (name) => {
      const request = world.request(name)
      const violations = [expect.objectContaining({ path: 'machine.metadata.name' })]
      for (const method of ['createMachine', 'deleteMachine', 'getMachineStatus', 'initializeMachine'] as const) {
        await expect(world.plugin.call(method, request)).rejects.toThrow(
          expect.objectContaining({ code: 'InvalidArgument', violations }),
        )
      }
    },
  )

  test('the longest names fit, and what YAML would take for something else is a host name', async () => {
    const longest = { ...world.request('n'.repeat(63), { cluster: 'c'.repeat(100) }) }
    const machine = { ...longest.machine, metadata: { name: 'n'.repeat(63), namespace: 's'.repeat(63) } }
    const vm = await world.plugin.call('createMachine', { ...longest, machine })
    expect(vm.nodeName).toBe('n'.repeat(63))
    await world.plugin.call('deleteMachine', { ...longest, machine })
    expect(await world.everything()).toEqual(nothing)
  })

  test.each(['', 'libvirt:///x', 'libvirt://host/6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'aws:///eu/i-1', '$(id)'])(
    'providerID %j is no way to somebody else',
    async (providerID) => {
      const request = world.request('a')
      const known = { ...request, machine: { ...request.machine, spec: { providerID } } }
      const wanted = providerID === '' ? 'NotFound' : 'InvalidArgument'
      await expect(world.plugin.call('getMachineStatus', known)).rejects.toThrow(code(wanted))
    },
  )
})

describe('what is not ours is never touched', () => {
  const cases = [
    { what: 'a domain of another cluster', tags: { cluster: 'other' } },
    { what: 'a domain of another machine', tags: { machine: 'b' } },
    { what: 'a domain of another namespace', tags: { namespace: 'other' } },
    { what: 'a domain without tags', tags: undefined },
  ]
  test.each(cases)('$what under our providerID', async ({ tags }) => {
    const { uuid } = world.identity('a')
    const domain = await defineDomain('somebody', uuid, tags)
    if (!tags)
      await world.libvirt.domains.setMetadata(domain, undefined, {
        namespace: 'https://mcm.dev/xmlns/libvirt/1',
        prefix: 'mcm',
      })
    await world.libvirt.domains.start(domain)
    const before = await world.libvirt.domains.xml(domain)
    const request = world.request('a')
    const known = { ...request, machine: { ...request.machine, spec: { providerID: `libvirt:///${uuid}` } } }
    for (const method of ['deleteMachine', 'getMachineStatus', 'initializeMachine'] as const) {
      await expect(world.plugin.call(method, known)).rejects.toThrow(code('FailedPrecondition', /left alone/))
    }
    if (tags?.cluster !== undefined || !tags) {
      await expect(world.plugin.call('createMachine', request)).rejects.toThrow(
        code('FailedPrecondition', /left alone/),
      )
      await expect(world.plugin.call('deleteMachine', request)).rejects.toThrow(
        code('FailedPrecondition', /left alone/),
      )
      expect(await world.plugin.call('listMachines', request)).toEqual({ machineList: {} })
    }
    expect(await world.libvirt.domains.xml(domain)).toBe(before)
    expect(await world.libvirt.domains.state(domain)).toMatchObject({ state: 'running' })
  })

  test('a domain with our name and another UUID, and its files', async () => {
    const { stem } = world.identity('a')
    const pool = await world.makePool()
    await world.libvirt.volumes.create(pool, emptyVolumeXml({ name: `${stem}_disk.qcow2`, capacityBytes: 1024 ** 2 }))
    await defineDomain(stem, '6ba7b810-9dad-11d1-80b4-00c04fd430c8', { cluster: 'other' })
    const before = await world.everything()
    await expect(world.plugin.call('createMachine', world.request('a'))).rejects.toThrow(
      code('AlreadyExists', /another domain of the name/),
    )
    expect(await world.plugin.call('deleteMachine', world.request('a'))).toEqual({})
    expect(await world.everything()).toEqual(before)
  })

  test('a copy of a machine, tags and all, goes without the files of the machine', async () => {
    const request = world.request('a')
    await world.plugin.call('createMachine', request)
    const before = await world.everything()
    const domain = await world.domain('a')
    const { tags } = readDomain(domain ? await world.libvirt.domains.xml(domain) : '')
    const uuid = '6ba7b810-9dad-11d1-80b4-00c04fd430c8'
    await defineDomain('clone', uuid, tags)
    const known = { ...request, machine: { ...request.machine, spec: { providerID: `libvirt:///${uuid}` } } }
    await world.plugin.call('deleteMachine', known)
    expect(await world.everything()).toEqual(before)
  })

  test('metadata that is not what we write spoils nothing', async () => {
    const domain = await defineDomain('odd', '6ba7b810-9dad-11d1-80b4-00c04fd430c8')
    const options = { namespace: 'https://mcm.dev/xmlns/libvirt/1', prefix: 'mcm' }
    await world.libvirt.domains.setMetadata(domain, '<other>odd</other>', options)
    expect(await world.plugin.call('listMachines', world.request('a'))).toEqual({ machineList: {} })
  })

  test('machines of another namespace and machines without a name are not listed', async () => {
    await defineDomain('one', '6ba7b810-9dad-11d1-80b4-00c04fd430c8', { namespace: 'other' })
    await defineDomain('two', '6ba7b810-9dad-11d1-80b4-00c04fd430c9', { machine: '' })
    expect(await world.plugin.call('listMachines', world.request('a'))).toEqual({ machineList: {} })
  })
})

test('an imported machine is found by its tags, started as it is, and deleted; two are out of range', async () => {
  const uuid = '6ba7b810-9dad-11d1-80b4-00c04fd430c8'
  const domain = await defineDomain('imported', uuid)
  const before = await world.libvirt.domains.xml(domain, { of: 'config' })
  const vm = await world.plugin.call('createMachine', world.request('a'))
  expect(vm).toMatchObject({ providerID: `libvirt:///${uuid}`, nodeName: 'a' })
  expect(await world.libvirt.domains.xml(domain, { of: 'config' })).toBe(before)
  await defineDomain('again', '6ba7b810-9dad-11d1-80b4-00c04fd430c9')
  await expect(world.plugin.call('createMachine', world.request('a'))).rejects.toThrow(code('OutOfRange'))
  await expect(world.plugin.call('getMachineStatus', world.request('a'))).rejects.toThrow(code('OutOfRange'))
  await world.plugin.call('deleteMachine', world.request('a'))
  expect(await world.everything()).toEqual(nothing)
})

describe('a half-made machine is uninitialized, and finished', () => {
  const disk = () => join(world.poolPath, `${world.identity('half').stem}_disk.qcow2`)
  const stages = [
    { stage: 'defined and not started', spoil: async () => {} },
    { stage: 'without its disk', spoil: async () => await removeVolume(disk()) },
    {
      stage: 'without any file',
      spoil: async () => {
        for (const file of (await world.everything()).files) await removeVolume(join(world.poolPath, file))
      },
    },
    {
      stage: 'with a disk that was cut off',
      spoil: async () => {
        await removeVolume(disk())
        const name = `${world.identity('half').stem}_disk.qcow2`
        await world.libvirt.volumes.create(await world.pool(), rawVolumeXml({ name, capacityBytes: 512 }))
      },
    },
    {
      stage: 'with half a seed',
      spoil: async () => {
        const seed = (await world.everything()).files.find((file) => file.endsWith('.iso')) ?? ''
        const { size } = await stat(join(world.poolPath, seed))
        await removeVolume(join(world.poolPath, seed))
        await world.libvirt.volumes.create(await world.pool(), rawVolumeXml({ name: seed, capacityBytes: size }))
      },
    },
    {
      stage: 'with a seed that has only begun',
      spoil: async () => {
        const seed = (await world.everything()).files.find((file) => file.endsWith('.iso')) ?? ''
        await removeVolume(join(world.poolPath, seed))
        await world.libvirt.volumes.create(await world.pool(), rawVolumeXml({ name: seed, capacityBytes: 1 }))
      },
    },
  ]
  async function removeVolume(path: string) {
    await world.libvirt.volumes.delete(await world.libvirt.volumes.lookupByPath(path))
  }
  const ways = stages.flatMap((one) =>
    (['initializeMachine', 'createMachine'] as const).map((method) => ({ ...one, method })),
  )

  test.each(ways)('$stage, by $method', async ({ spoil, method }) => {
    const request = world.request('half', {}, '#!/bin/sh\necho hello\n')
    const vm = await world.plugin.call('createMachine', request)
    const whole = await world.everything()
    const seed = join(world.poolPath, whole.files.find((file) => file.endsWith('.iso')) ?? '')
    const content = await readFile(seed)
    const domain = await world.domain('half')
    if (!domain) throw new Error('no domain')
    await world.libvirt.domains.destroy(domain)
    await spoil()

    await expect(world.plugin.call('getMachineStatus', request)).rejects.toThrow(
      expect.objectContaining({ code: 'Uninitialized', providerID: vm.providerID, nodeName: 'half' }),
    )
    expect(await world.plugin.call(method, request)).toEqual(vm)

    expect(await world.plugin.call('getMachineStatus', request)).toEqual(vm)
    expect(await world.everything()).toEqual(whole)
    expect((await readFile(seed)).equals(content)).toBe(true)
    await world.plugin.call('deleteMachine', request)
    expect(await world.everything()).toEqual(nothing)
  })

  test('what is left of a machine whose domain was removed by hand is not taken over', async () => {
    const request = world.request('half')
    await world.plugin.call('createMachine', request)
    const domain = await world.domain('half')
    if (!domain) throw new Error('no domain')
    await world.libvirt.domains.destroy(domain)
    await world.libvirt.domains.undefine(domain)
    const { birthtimeMs } = await stat(disk())
    await world.plugin.call('createMachine', request)
    expect((await stat(disk())).birthtimeMs).not.toBe(birthtimeMs)
  })

  test('a renamed domain keeps its disk', async () => {
    const request = world.request('half')
    const vm = await world.plugin.call('createMachine', request)
    const domain = await world.domain('half')
    if (!domain) throw new Error('no domain')
    const { birthtimeMs } = await stat(disk())
    await world.libvirt.domains.destroy(domain)
    const xml = await world.libvirt.domains.xml(domain, { of: 'config' })
    await world.libvirt.domains.undefine(domain)
    await world.libvirt.domains.define(xml.replace(`<name>${domain.name}</name>`, '<name>renamed</name>'))
    expect(await world.plugin.call('createMachine', request)).toEqual(vm)
    expect((await stat(disk())).birthtimeMs).toBe(birthtimeMs)
    expect((await world.everything()).domains).toEqual(['renamed'])
    await world.plugin.call('deleteMachine', request)
    expect(await world.everything()).toEqual(nothing)
  })
})

describe('sizes and images', () => {
  test('a machine of another size exists already, running or not', async () => {
    await world.plugin.call('createMachine', world.request('a'))
    const domain = await world.domain('a')
    for (const changes of [{ memoryMiB: 64 }, { cpus: 2 }, { diskGiB: 1 }, { firmware: 'efi' }]) {
      await expect(world.plugin.call('createMachine', world.request('a', changes))).rejects.toThrow(
        code('AlreadyExists'),
      )
    }
    if (domain) await world.libvirt.domains.destroy(domain)
    const before = await world.everything()
    for (const method of ['createMachine', 'initializeMachine'] as const) {
      await expect(world.plugin.call(method, world.request('a', { memoryMiB: 64 }))).rejects.toThrow(
        code('AlreadyExists'),
      )
    }
    expect(await world.everything()).toEqual(before)
  })

  test('a disk is as large as asked, and never smaller than its image', async () => {
    const request = world.request('a', { diskGiB: 1.5 })
    await world.plugin.call('createMachine', request)
    const volume = await world.libvirt.volumes.lookupByPath(
      join(world.poolPath, `${world.identity('a').stem}_disk.qcow2`),
    )
    expect(readVolume(await world.libvirt.volumes.xml(volume))).toMatchObject({
      capacityBytes: 1.5 * 2 ** 30,
      format: 'qcow2',
      base: { path: world.blankImage, format: 'raw' },
    })
    await world.plugin.call('deleteMachine', request)
    const violations = [expect.objectContaining({ path: 'providerSpec.diskGiB' })]
    await expect(world.plugin.call('createMachine', world.request('a', { diskGiB: 0.0005 }))).rejects.toThrow(
      expect.objectContaining({ code: 'InvalidArgument', violations }),
    )
    expect(await world.everything()).toEqual(nothing)
  })

  test('an image that is a volume; one that is not there', async () => {
    const pool = await world.makePool()
    await world.libvirt.volumes.create(pool, emptyVolumeXml({ name: 'base.qcow2', capacityBytes: 2 * 1024 ** 2 }))
    const request = world.request('a', { image: { volume: 'base.qcow2' } })
    await world.plugin.call('createMachine', request)
    await world.plugin.call('deleteMachine', request)
    expect(await world.everything()).toEqual({ ...nothing, files: ['base.qcow2'] })
    for (const image of [{ volume: 'none' }, { volume: 'base.qcow2', pool: 'none' }]) {
      await expect(world.plugin.call('createMachine', world.request('a', { image }))).rejects.toThrow(
        code('InvalidArgument', /has no volume/),
      )
    }
  })

  test('firmware for UEFI, and its variables go with it', async () => {
    const request = world.request('a', { firmware: 'efi' })
    await world.plugin.call('createMachine', request)
    const domain = await world.domain('a')
    const { nvram = '' } = readDomain(domain ? await world.libvirt.domains.xml(domain) : '')
    expect((await stat(nvram)).isFile()).toBe(true)
    await world.plugin.call('deleteMachine', request)
    await expect(stat(nvram)).rejects.toThrow('ENOENT')
    expect(await world.everything()).toEqual(nothing)
  })

  test('emulation where there is no KVM; KVM alone is refused there', async () => {
    await world.plugin.call('createMachine', world.request('a', { virtType: 'auto' }))
    const domain = await world.domain('a')
    expect(readDomain(domain ? await world.libvirt.domains.xml(domain) : '').virtType).toBe('qemu')
    await world.plugin.call('deleteMachine', world.request('a'))
    const violations = [expect.objectContaining({ path: 'providerSpec.virtType' })]
    await expect(world.plugin.call('createMachine', world.request('b', { virtType: 'kvm' }))).rejects.toThrow(
      expect.objectContaining({ code: 'InvalidArgument', message: expect.stringMatching(/has no KVM/), violations }),
    )
    expect(await world.everything()).toEqual(nothing)
  })

  test.each([
    { what: 'network', changes: { networks: [{ type: 'network', name: 'none' }] }, wanted: 'InvalidArgument' },
    { what: 'machine type', changes: { machineType: 'pc-q35-none' }, wanted: 'InvalidArgument' },
  ])('a $what that does not exist: a clear error, and nothing is left', async ({ changes, wanted }) => {
    await expect(world.plugin.call('createMachine', world.request('a', changes))).rejects.toThrow(code(wanted, /none/))
    expect(await world.everything()).toEqual(nothing)
  })
})

test('a stopped pool is started, and a pool that is elsewhere is told', async () => {
  await world.plugin.call('createMachine', world.request('a'))
  await world.libvirt.pools.stop(await world.pool())
  await world.plugin.call('deleteMachine', world.request('a'))
  expect(await world.everything()).toEqual(nothing)
  const elsewhere = world.request('a', { pool: { name: 'mcm', path: '/elsewhere' } })
  await expect(world.plugin.call('createMachine', elsewhere)).rejects.toThrow(
    code('InvalidArgument', /not in \/elsewhere/),
  )
  const unnamed = world.request('a', { pool: { name: 'unknown' } })
  await expect(world.plugin.call('createMachine', unnamed)).rejects.toThrow(code('InvalidArgument', /no pool unknown/))
  // A folder that cannot be made: no pool stays that would stand in the way of the corrected class.
  const impossible = world.request('a', { pool: { name: 'unknown', path: '/proc/mcm' } })
  await expect(world.plugin.call('createMachine', impossible)).rejects.toThrow(/\/proc\/mcm/)
  expect(await world.libvirt.pools.findByName('unknown')).toBeUndefined()
})
