import { createHash } from 'node:crypto'
import { mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { cachedFolder } from './cache-dir.ts'
import { type ArchiveEntry, cpioArchive } from './cpio-archive.ts'
import { fetchGuestFiles, findGuestPackages, type GuestFiles, type GuestPackages } from './guest-kernel.ts'
import { run } from './run.ts'

export interface GuestImage {
  /** The qcow2 file. Every user of the machine can read it. */
  readonly path: string
  readonly format: 'qcow2'
  /** Fit for a log line: what is in it. */
  readonly name: string
  readonly sizeBytes: number
  /** False when it came from the cache. */
  readonly built: boolean
}

export interface GuestImageOptions {
  readonly signal: AbortSignal
  readonly log: (line: string) => void
}

/** What the guest's disk measures to the guest; the file is smaller. */
export const guestDiskBytes = 32 * 1024 * 1024

/**
 * A tiny guest that boots from a BIOS in seconds, even without KVM: Debian's own kernel and busybox, and an init
 * script that runs the user data of a NoCloud seed and tells each step on the serial console (guest/init.sh).
 */
export async function ensureGuestImage(options: GuestImageOptions): Promise<GuestImage> {
  const { signal, log } = options
  if (process.arch !== 'x64') throw new Error(`The test guest is built for amd64 only, and this is ${process.arch}.`)

  const started = performance.now()
  const packages = await findGuestPackages(options)
  const name = `guest-${packages.kernel}-${await fingerprint(packages)}`
  const folder = await cachedFolder(name, async (target) => {
    log(`guest image: building it from ${packages.packages.join(', ')}`)
    await buildGuestImage(packages, join(target, 'guest.qcow2'), options)
  })

  const path = join(folder.path, 'guest.qcow2')
  await assertReadableByAll(path)
  const { size: sizeBytes } = await stat(path)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  log(`guest image: ${path} (${(sizeBytes / 1e6).toFixed(1)} MB), ${folder.built ? 'built' : 'cached'}, ${seconds} s`)
  signal.throwIfAborted()
  return { path, format: 'qcow2', name, sizeBytes, built: folder.built }
}

async function buildGuestImage(packages: GuestPackages, target: string, options: GuestImageOptions): Promise<void> {
  const { signal } = options
  const work = await mkdtemp(join(tmpdir(), 'mcm-guest-'))
  try {
    const files = await fetchGuestFiles(packages, work, options)
    const initrd = join(work, 'initrd')
    await writeFile(initrd, gzipSync(cpioArchive(await initrdEntries(files)), { level: 9 }))

    const raw = join(work, 'disk.raw')
    const disk = await open(raw, 'w')
    await disk.truncate(guestDiskBytes)
    await disk.close()
    await run('mkfs.vfat', ['-F', '16', '-n', 'MCM-GUEST', raw], { signal })
    await run('mcopy', ['-i', raw, files.kernelPath, '::vmlinuz'], { signal })
    await run('mcopy', ['-i', raw, initrd, '::initrd'], { signal })
    await run('mcopy', ['-i', raw, guestFile('syslinux.cfg'), '::syslinux.cfg'], { signal })
    await run('syslinux', ['--install', raw], { signal })
    await run('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', '-c', raw, target], { signal })
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function initrdEntries(files: GuestFiles): Promise<ArchiveEntry[]> {
  const folders = ['bin', 'dev', 'etc', 'modules', 'proc', 'root', 'run', 'seed', 'sys', 'tmp', 'usr', 'usr/bin']
  const { stdout } = await run(files.busyboxPath, ['--list'], { signal: AbortSignal.timeout(10_000) })
  const applets = stdout.split('\n').filter((applet) => applet !== '' && applet !== 'busybox')
  const script = async (path: string, source: string): Promise<ArchiveEntry> => ({
    type: 'file',
    path,
    content: await readFile(guestFile(source)),
    executable: true,
  })
  return [
    ...folders.map((path): ArchiveEntry => ({ type: 'folder', path })),
    // The kernel opens it for the init script, before devtmpfs is there.
    { type: 'device', path: 'dev/console', major: 5, minor: 1 },
    { type: 'file', path: 'bin/busybox', content: await readFile(files.busyboxPath), executable: true },
    ...applets.map((applet): ArchiveEntry => ({ type: 'link', path: `bin/${applet}`, target: 'busybox' })),
    // User data often starts with one of these; a plain script runs in busybox's shell as well.
    { type: 'link', path: 'bin/bash', target: 'busybox' },
    { type: 'link', path: 'usr/bin/env', target: '../../bin/busybox' },
    ...moduleEntries('modules/basic', files.basicModules),
    ...moduleEntries('modules/controllers', files.controllerModules),
    await script('etc/udhcpc.sh', 'udhcpc.sh'),
    await script('init', 'init.sh'),
  ]
}

// The modules in a folder, and their names in the file `order` beside them.
function moduleEntries(folder: string, modules: GuestFiles['basicModules']): ArchiveEntry[] {
  const order = modules.map(({ name }) => `${name}\n`).join('')
  return [
    { type: 'folder', path: folder },
    ...modules.map(({ name, content }): ArchiveEntry => ({ type: 'file', path: `${folder}/${name}`, content })),
    { type: 'file', path: `${folder}/order`, content: Buffer.from(order) },
  ]
}

// Changes with the packages and with the sources that build the image, so that an old image is never taken for a new.
async function fingerprint(packages: GuestPackages): Promise<string> {
  const hash = createHash('sha256')
  hash.update(packages.packages.join('\n'))
  const sources = ['../guest-image.ts', '../guest-kernel.ts', '../cpio-archive.ts', 'init.sh', 'udhcpc.sh']
  for (const source of [...sources, 'syslinux.cfg']) hash.update(await readFile(guestFile(source)))
  return hash.digest('hex').slice(0, 12)
}

function guestFile(name: string): string {
  return fileURLToPath(new URL(`./guest/${name}`, import.meta.url))
}

// As root, the virtual machines run as another user, who must reach the image. Better a sentence here than a
// "permission denied" of QEMU later.
async function assertReadableByAll(path: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  for (let folder = dirname(path); folder !== '/'; folder = dirname(folder)) {
    if (((await stat(folder)).mode & 0o001) === 0) {
      throw new Error(`The guest image ${path} can't be read by other users, because ${folder} is closed to them.
Set XDG_CACHE_HOME to a folder that is open to all, or unset it: root then uses /var/cache.`)
    }
  }
}
