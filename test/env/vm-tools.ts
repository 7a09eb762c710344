import { type EnsureOptions, ensureDebianPackages } from './debian-packages.ts'
import { run } from './run.ts'

/** What running virtual machines and building their image needs, as Debian and Ubuntu call it. */
export const vmPackages = [
  'qemu-system-x86',
  'qemu-utils',
  // Only the daemon: `libvirt-daemon-system` would start one for the whole machine, and we run our own in a folder.
  'libvirt-daemon',
  'libvirt-clients',
  // Takes in the QEMU processes that outlive their parent; without it deleting a machine takes a second longer.
  'tini',
  // The rest builds the guest image: depmod; the boot loader, which calls mtools; the file system it lies on.
  'kmod',
  'syslinux',
  'mtools',
  'dosfstools',
] as const

// Parts of `libvirt-daemon` up to Debian 12, packages of their own since.
const libvirtDrivers = [
  'libvirt-daemon-driver-qemu',
  'libvirt-daemon-driver-storage',
  'libvirt-daemon-driver-network',
] as const

const elsewhere =
  'qemu-system-x86_64 and qemu-img (QEMU), libvirtd and virsh (libvirt, with its QEMU and storage drivers), tini, ' +
  'depmod (kmod), syslinux, mcopy (mtools), mkfs.vfat (dosfstools). ' +
  'The guest image is built from Debian packages: build it on Debian or Ubuntu and copy it'

export interface VmTools {
  readonly qemu: string
  readonly libvirt: string
  /** The packages that had to be installed. */
  readonly installed: readonly string[]
}

/** Makes QEMU, libvirt and the tools for images available, and returns their versions. */
export async function ensureVmTools(options: EnsureOptions): Promise<VmTools> {
  if (process.arch !== 'x64') {
    throw new Error(`Virtual machines for tests are built for x86-64 hosts today, and this one is ${process.arch}.`)
  }
  const { signal } = options
  const installed = await ensureDebianPackages(vmPackages, { ...options, whereKnown: libvirtDrivers, elsewhere })
  const [qemu, libvirt] = await Promise.all([versionOf('qemu-system-x86_64', signal), versionOf('libvirtd', signal)])
  return { qemu, libvirt, installed }
}

async function versionOf(program: string, signal: AbortSignal): Promise<string> {
  const { stdout } = await run(program, ['--version'], { signal, deadlineMs: 20_000 })
  const version = /\d+(\.\d+)+/.exec(stdout)?.[0]
  if (version === undefined) throw new Error(`${program} --version: no version in its answer: ${stdout.trim()}`)
  return version
}
