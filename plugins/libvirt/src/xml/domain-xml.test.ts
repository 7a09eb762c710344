import { describe, expect, test } from 'vitest'
import { type DomainDefinition, domainXml } from './domain-xml.ts'
import { macAddress } from './mac-address.ts'
import { type MachineTags, readTags, tagsNamespace, tagsXml } from './machine-tags.ts'
import { readDomain } from './read-domain.ts'
import { readXml } from './read-xml.ts'
import { XmlError } from './xml.ts'

const lines = (xml: string) => xml.replaceAll('><', '>\n<')

const tags: MachineTags = {
  cluster: 'shoot--a',
  machine: 'worker-1',
  namespace: 'machines',
  machineClass: 'small',
  extra: { 'kubernetes.io/role': 'node' },
  files: [
    { kind: 'disk', path: '/pool/worker-1.qcow2' },
    { kind: 'console', path: '/pool/worker-1.log' },
  ],
}

const definition: DomainDefinition = {
  name: 'worker-1',
  uuid: '6ba7b810-9dad-51d1-80b4-00c04fd430c8',
  memoryMiB: 512,
  cpus: 2,
  virtType: 'qemu',
  disks: [{ path: '/pool/worker-1.qcow2', format: 'qcow2' }],
  seedIso: '/pool/worker-1.iso',
  networks: [{ kind: 'user' }],
  consoleLog: '/pool/worker-1.log',
  tags,
}

const hostile = [
  'a b;$(id)',
  '<x>',
  '"',
  "'",
  '&',
  '&lt;',
  ']]>',
  '<!--',
  '\u{1f4a9}',
  "'/><disk>",
  '&#0;',
  ' both ends ',
]
const refused = ['\0', 'a\nb', '\t', '\u0007', '\u007f', '\u0085', '\ufffe', '\ud800', 'x\udc00']

test('a definition comes back as it went in', () => {
  expect(readDomain(domainXml(definition))).toEqual({
    name: 'worker-1',
    uuid: definition.uuid,
    virtType: 'qemu',
    disks: [
      { device: 'disk', target: 'vda', path: '/pool/worker-1.qcow2' },
      { device: 'disk', target: 'vdb', path: '/pool/worker-1.iso' },
    ],
    consoleLog: '/pool/worker-1.log',
    nvram: undefined,
    macAddresses: [macAddress(definition.uuid)],
    tags,
  })
})

test('the whole of a definition', () => {
  expect(lines(domainXml(definition))).toMatchInlineSnapshot(`
    "<domain type="qemu">
    <name>worker-1</name>
    <uuid>6ba7b810-9dad-51d1-80b4-00c04fd430c8</uuid>
    <metadata>
    <mcm:machine xmlns:mcm="https://mcm.dev/xmlns/libvirt/1" cluster="shoot--a" name="worker-1" namespace="machines" class="small">
    <mcm:tag key="kubernetes.io/role">node</mcm:tag>
    <mcm:file kind="disk">/pool/worker-1.qcow2</mcm:file>
    <mcm:file kind="console">/pool/worker-1.log</mcm:file>
    </mcm:machine>
    </metadata>
    <memory unit="MiB">512</memory>
    <vcpu>2</vcpu>
    <os>
    <type arch="x86_64" machine="q35">hvm</type>
    <boot dev="hd"/>
    </os>
    <features>
    <acpi/>
    <apic/>
    </features>
    <clock offset="utc"/>
    <on_poweroff>destroy</on_poweroff>
    <on_reboot>restart</on_reboot>
    <on_crash>destroy</on_crash>
    <devices>
    <disk type="file" device="disk">
    <driver name="qemu" type="qcow2" discard="unmap"/>
    <source file="/pool/worker-1.qcow2"/>
    <target dev="vda" bus="virtio"/>
    </disk>
    <disk type="file" device="disk">
    <driver name="qemu" type="raw"/>
    <source file="/pool/worker-1.iso"/>
    <target dev="vdb" bus="virtio"/>
    <readonly/>
    </disk>
    <controller type="usb" model="none"/>
    <interface type="user">
    <mac address="52:54:00:4c:33:9e"/>
    <model type="virtio"/>
    </interface>
    <serial type="file">
    <source path="/pool/worker-1.log" append="on"/>
    <target port="0"/>
    </serial>
    <rng model="virtio">
    <backend model="random">/dev/urandom</backend>
    </rng>
    <memballoon model="none"/>
    </devices>
    </domain>"
  `)
})

test('the least of a definition', () => {
  const least = { ...definition, disks: [], seedIso: undefined, networks: [], consoleLog: undefined }
  const facts = readDomain(domainXml(least))
  expect(facts).toMatchObject({ disks: [], consoleLog: undefined, macAddresses: [] })
})

describe('values that look like markup stay values', () => {
  test.each(hostile)('%j', (value) => {
    const xml = domainXml({
      ...definition,
      name: value,
      disks: [{ path: `/pool/${value}`, format: 'qcow2' }],
      seedIso: `/pool/${value}`,
      networks: [{ kind: 'network', name: value }],
      consoleLog: `/pool/${value}`,
      tags: { ...tags, cluster: value, extra: { [value]: value }, files: [{ kind: 'seed', path: value }] },
    })
    const facts = readDomain(xml)
    expect(facts).toMatchObject({
      name: value,
      disks: [{ path: `/pool/${value}` }, { path: `/pool/${value}` }],
      consoleLog: `/pool/${value}`,
      tags: { cluster: value, extra: { [value]: value }, files: [{ kind: 'seed', path: value }] },
    })
    const domain = readXml(xml, 'domain')
    expect(domain.get('devices').all('disk')).toHaveLength(2)
    expect(domain.get('devices', 'interface', 'source').attribute('network')).toBe(value)
  })
})

describe('values that XML cannot hold are refused', () => {
  test.each(refused)('%j', (value) => {
    expect(() => domainXml({ ...definition, name: value })).toThrow(XmlError)
    expect(() => domainXml({ ...definition, seedIso: value })).toThrow(XmlError)
    expect(() => domainXml({ ...definition, consoleLog: value })).toThrow(XmlError)
    expect(() => domainXml({ ...definition, tags: { ...tags, extra: { [value]: 'x' } } })).toThrow(XmlError)
    expect(() => tagsXml({ ...tags, machine: value })).toThrow(XmlError)
  })

  test('with the place', () => {
    expect(() => domainXml({ ...definition, name: 'a\0' })).toThrow('name: the character U+0000 is not allowed')
  })
})

test.each([
  ['no memory', { memoryMiB: 0 }],
  ['half a CPU', { cpus: 0.5 }],
  ['too many disks', { disks: Array.from({ length: 27 }, () => ({ path: '/x', format: 'raw' as const })) }],
  ['not a MAC', { networks: [{ kind: 'user' as const, mac: '52:54:00:00:00' }] }],
  ['an option in a MAC', { networks: [{ kind: 'user' as const, mac: '52:54:00:00:00:00,x=y' }] }],
  ['a port of 0', { networks: [{ kind: 'user' as const, forwards: [{ hostPort: 0, guestPort: 22 }] }] }],
  [
    'an option in an address',
    { networks: [{ kind: 'user' as const, forwards: [{ hostAddress: '127.0.0.1,x=y', hostPort: 1, guestPort: 1 }] }] },
  ],
])('refuses %s', (_name, part) => {
  expect(() => domainXml({ ...definition, ...part })).toThrow(XmlError)
})

test('a UEFI guest has secure boot switched off', () => {
  const os = readXml(domainXml({ ...definition, firmware: 'efi' }), 'domain').get('os')
  expect(os.attribute('firmware')).toBe('efi')
  const features = os.get('firmware').all('feature')
  expect(features.map((feature) => [feature.attribute('name'), feature.attribute('enabled')])).toEqual([
    ['enrolled-keys', 'no'],
    ['secure-boot', 'no'],
  ])
})

test('the CPU is the host’s with KVM, and QEMU’s own with emulation', () => {
  const mode = (part: Partial<DomainDefinition>) =>
    readXml(domainXml({ ...definition, ...part }), 'domain')
      .find('cpu')
      ?.attribute('mode')
  expect(mode({ virtType: 'kvm' })).toBe('host-passthrough')
  expect(mode({ virtType: 'qemu' })).toBeUndefined()
  expect(mode({ virtType: 'qemu', cpu: 'maximum' })).toBe('maximum')
})

test('a kernel of its own replaces what is on the disk', () => {
  const directBoot = { kernel: '/k', initrd: '/i', commandLine: 'console=ttyS0 a="b"' }
  const os = readXml(domainXml({ ...definition, directBoot }), 'domain').get('os')
  expect(os.get('cmdline').text).toBe(directBoot.commandLine)
  expect(os.find('boot')).toBeUndefined()
})

test('forwarded ports go to QEMU, in place of an interface of libvirt', () => {
  const forwards = [
    { hostPort: 2222, guestPort: 22 },
    { hostAddress: '127.0.0.3', hostPort: 10250, guestPort: 10250 },
  ]
  const domain = readXml(domainXml({ ...definition, networks: [{ kind: 'user', forwards }] }), 'domain')
  expect(domain.get('devices').all('interface')).toEqual([])
  const args = domain.get('commandline').all('arg')
  expect(args.map((arg) => arg.attribute('value'))).toEqual([
    '-netdev',
    'user,id=mcm0,hostfwd=tcp:127.0.0.1:2222-:22,hostfwd=tcp:127.0.0.3:10250-:10250',
    '-device',
    `virtio-net-pci,netdev=mcm0,mac=${macAddress(definition.uuid)},bus=pcie.0,addr=0x10`,
  ])
})

test('addresses are stable, and differ by machine and interface', () => {
  const one = macAddress(definition.uuid)
  expect(one).toMatch(/^52:54:00(:[0-9a-f]{2}){3}$/)
  expect(macAddress(definition.uuid.toUpperCase())).toBe(one)
  expect(new Set([one, macAddress(definition.uuid, 1), macAddress(crypto.randomUUID())]).size).toBe(3)
})

test('tags are read with and without our prefix, and the element of someone else is not ours', () => {
  expect(readTags(tagsXml(tags))).toEqual(tags)
  const theirs = domainXml(definition).replace(tagsNamespace, 'https://example.com/other')
  expect(readDomain(theirs).tags).toBeUndefined()
})
