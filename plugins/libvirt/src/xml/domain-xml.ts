import { isIPv4 } from 'node:net'
import { macAddress } from './mac-address.ts'
import { type MachineTags, tagsElement } from './machine-tags.ts'
import { type Element, element, elementIn, writeXml, XmlError } from './xml.ts'

/** A virtual machine as we define it: everything that decides how it boots, and nothing that libvirt chooses well. */
export interface DomainDefinition {
  readonly name: string
  readonly uuid: string
  readonly memoryMiB: number
  readonly cpus: number
  /** Named always, never guessed: a `/dev/kvm` can be listed as a capability and be broken. */
  readonly virtType: 'kvm' | 'qemu'
  /** Default 'q35'. */
  readonly machine?: string | undefined
  /** Default: the host's own with KVM, QEMU's with emulation. */
  readonly cpu?: 'host-passthrough' | 'host-model' | 'maximum' | undefined
  /** Default 'bios'. With 'efi' the domain has firmware variables in a file, see `undefine`. */
  readonly firmware?: 'bios' | 'efi' | undefined
  /** Boots this kernel itself instead of what is on the disk. */
  readonly directBoot?: { readonly kernel: string; readonly initrd: string; readonly commandLine: string } | undefined
  /** In order: vda, vdb, … */
  readonly disks: readonly Disk[]
  /** An ISO image with the guest's configuration, which the guest can read and not write. Always the last disk. */
  readonly seedIso?: string | undefined
  readonly networks: readonly Network[]
  /** The file that gets what the guest says on its serial console. It grows: a start appends. */
  readonly consoleLog?: string | undefined
  /** A channel for the QEMU guest agent. Default false. */
  readonly guestAgent?: boolean | undefined
  readonly tags: MachineTags
}

export interface Disk {
  readonly path: string
  readonly format: 'qcow2' | 'raw'
}

/**
 * `user`: QEMU's own network, which needs no rights and lets nothing in but the forwarded ports.
 * `network`: one of libvirt's. `bridge`: one of the host's.
 */
export type Network = { readonly mac?: string | undefined } & (
  | { readonly kind: 'user'; readonly forwards?: readonly PortForward[] | undefined }
  | { readonly kind: 'network'; readonly name: string }
  | { readonly kind: 'bridge'; readonly name: string }
)

/** A TCP port of the host that leads into the guest. */
export interface PortForward {
  /** Default 127.0.0.1. */
  readonly hostAddress?: string | undefined
  readonly hostPort: number
  readonly guestPort: number
}

export function domainXml(domain: DomainDefinition): string {
  check(domain)
  return writeXml(
    element(
      'domain',
      { type: domain.virtType },
      element('name', {}, domain.name),
      element('uuid', {}, domain.uuid),
      element('metadata', {}, tagsElement(domain.tags)),
      element('memory', { unit: 'MiB' }, String(domain.memoryMiB)),
      element('vcpu', {}, String(domain.cpus)),
      osElement(domain),
      // ACPI is what makes a shutdown request reach the guest.
      element('features', {}, element('acpi'), element('apic')),
      cpuElement(domain),
      element('clock', { offset: 'utc' }),
      element('on_poweroff', {}, 'destroy'),
      element('on_reboot', {}, 'restart'),
      // A crashed guest stays down, so that its state says so and its owner decides.
      element('on_crash', {}, 'destroy'),
      devicesElement(domain),
      forwardsElement(domain),
    ),
  )
}

function osElement({ machine = 'q35', firmware = 'bios', directBoot, disks }: DomainDefinition): Element {
  const type = element('type', { arch: 'x86_64', machine }, 'hvm')
  return element(
    'os',
    firmware === 'efi' ? { firmware } : {},
    type,
    // Left alone, libvirt picks the variant with secure boot, which runs only what Microsoft has signed.
    firmware === 'efi'
      ? element(
          'firmware',
          {},
          element('feature', { enabled: 'no', name: 'enrolled-keys' }),
          element('feature', { enabled: 'no', name: 'secure-boot' }),
        )
      : undefined,
    directBoot && element('kernel', {}, directBoot.kernel),
    directBoot && element('initrd', {}, directBoot.initrd),
    directBoot && element('cmdline', {}, directBoot.commandLine),
    disks.length > 0 && !directBoot ? element('boot', { dev: 'hd' }) : undefined,
  )
}

function cpuElement({ virtType, cpu = virtType === 'kvm' ? 'host-passthrough' : undefined }: DomainDefinition) {
  return cpu && element('cpu', { mode: cpu })
}

function devicesElement(domain: DomainDefinition): Element {
  return element(
    'devices',
    {},
    ...domain.disks.map(diskElement),
    domain.seedIso === undefined ? undefined : seedElement(domain.seedIso, domain.disks.length),
    // Nothing is ever plugged in, and each controller costs the guest time at boot.
    element('controller', { type: 'usb', model: 'none' }),
    ...domain.networks.map((network, index) => interfaceElement(domain.uuid, network, index)),
    domain.consoleLog === undefined ? undefined : serialElement(domain.consoleLog),
    domain.guestAgent
      ? element('channel', { type: 'unix' }, element('target', { type: 'virtio', name: 'org.qemu.guest_agent.0' }))
      : undefined,
    // A fresh guest has little entropy and would wait for more.
    element('rng', { model: 'virtio' }, element('backend', { model: 'random' }, '/dev/urandom')),
    element('memballoon', { model: 'none' }),
  )
}

function diskElement({ path, format }: Disk, index: number): Element {
  return element(
    'disk',
    { type: 'file', device: 'disk' },
    element('driver', { name: 'qemu', type: format, discard: 'unmap' }),
    element('source', { file: path }),
    element('target', { dev: `vd${diskLetters[index]}`, bus: 'virtio' }),
  )
}

const diskLetters = 'abcdefghijklmnopqrstuvwxyz'

/** A disk and no CD: kernels made for clouds often have no driver for the CD drive, and one for the boot disk always. */
function seedElement(path: string, index: number): Element {
  return element(
    'disk',
    { type: 'file', device: 'disk' },
    element('driver', { name: 'qemu', type: 'raw' }),
    element('source', { file: path }),
    element('target', { dev: `vd${diskLetters[index]}`, bus: 'virtio' }),
    element('readonly'),
  )
}

function interfaceElement(uuid: string, network: Network, index: number): Element | undefined {
  if (network.kind === 'user' && network.forwards?.length) return undefined
  return element(
    'interface',
    { type: network.kind },
    element('mac', { address: network.mac ?? macAddress(uuid, index) }),
    network.kind === 'user' ? undefined : element('source', { [network.kind]: network.name }),
    element('model', { type: 'virtio' }),
  )
}

/** A plain file works with and without libvirt's log daemon, and needs nobody to read a terminal. */
function serialElement(path: string): Element {
  return element('serial', { type: 'file' }, element('source', { path, append: 'on' }), element('target', { port: 0 }))
}

/** libvirt knows no forwards for this kind of network, so QEMU is told directly. */
function forwardsElement({ uuid, networks }: DomainDefinition): Element | undefined {
  const values = networks.flatMap((network, index) => {
    if (network.kind !== 'user' || !network.forwards?.length) return []
    const id = `mcm${index}`
    const mac = network.mac ?? macAddress(uuid, index)
    // A slot that libvirt does not give to its own devices, which it numbers from 1.
    const slot = `0x${(0x10 + index).toString(16)}`
    const netdev = ['user', `id=${id}`, ...network.forwards.map(forwardOption)].join(',')
    return ['-netdev', netdev, '-device', `virtio-net-pci,netdev=${id},mac=${mac},bus=pcie.0,addr=${slot}`]
  })
  if (values.length === 0) return undefined
  const args = values.map((value) => elementIn(qemuNamespace, 'qemu:arg', { value }))
  return elementIn(qemuNamespace, 'qemu:commandline', {}, ...args)
}

const qemuNamespace = 'http://libvirt.org/schemas/domain/qemu/1.0'

function forwardOption({ hostAddress = '127.0.0.1', hostPort, guestPort }: PortForward): string {
  return `hostfwd=tcp:${hostAddress}:${hostPort}-:${guestPort}`
}

/** What would end up in a wrong place, or in QEMU's command line, without libvirt seeing anything wrong with it. */
function check({ memoryMiB, cpus, disks, seedIso, networks }: DomainDefinition): void {
  requireInteger('memoryMiB', memoryMiB, 1, 2 ** 32)
  requireInteger('cpus', cpus, 1, 4096)
  const diskCount = disks.length + (seedIso === undefined ? 0 : 1)
  if (diskCount > diskLetters.length) throw new XmlError(`${diskCount} disks are more than ${diskLetters.length}`)
  for (const network of networks) {
    if (network.mac !== undefined && !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(network.mac)) {
      throw new XmlError(`'${network.mac}' is not a MAC address`)
    }
    for (const forward of (network.kind === 'user' && network.forwards) || []) {
      requireInteger('hostPort', forward.hostPort, 1, 65_535)
      requireInteger('guestPort', forward.guestPort, 1, 65_535)
      if (forward.hostAddress !== undefined && !isIPv4(forward.hostAddress)) {
        throw new XmlError(`'${forward.hostAddress}' is not an IPv4 address`)
      }
    }
  }
}

function requireInteger(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new XmlError(`${name}: ${value} is not a whole number from ${min} to ${max}`)
  }
}
