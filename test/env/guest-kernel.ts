import { access, mkdir, readdir, readFile, symlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { downloadDebianPackages, refreshPackageLists } from './debian-packages.ts'
import { run } from './run.ts'

interface Options {
  readonly signal: AbortSignal
  readonly log: (line: string) => void
}

/** The packages that the guest is made of. */
export interface GuestPackages {
  /** The kernel's version as `uname -r` says it. */
  readonly kernel: string
  /** Package names with versions, the kernel's own first. */
  readonly packages: readonly string[]
}

/** What is in them. */
export interface GuestFiles {
  readonly kernelPath: string
  readonly busyboxPath: string
  /** With all that they need, in the order in which they can be loaded. */
  readonly basicModules: readonly KernelModule[]
  /** The same for disk controllers, without those of `basicModules`. */
  readonly controllerModules: readonly KernelModule[]
}

export interface KernelModule {
  readonly name: string
  readonly content: Uint8Array
}

// Packages that always depend on the newest kernel for virtual machines: Debian's, then Ubuntu's.
const kernelMetaPackages = ['linux-image-cloud-amd64', 'linux-image-virtual']

// What nearly every machine needs; last the power button.
const basicModules = ['virtio_pci', 'virtio_net', 'virtio_blk', 'isofs', 'qemu_fw_cfg', 'evdev', 'button']

// Where a seed may be that is no virtio disk: a CD on virtio-scsi, on IDE or on SATA. They cost half a second, so init
// loads them only when there is no seed without them. Debian's cloud kernel has no SATA driver (ahci): what a kernel
// lacks is left out.
const controllerModules = ['virtio_scsi', 'sd_mod', 'sr_mod', 'ata_piix', 'ahci']

/** Asks apt which packages are the newest. */
export async function findGuestPackages({ signal, log }: Options): Promise<GuestPackages> {
  const first = () => showPackages([...kernelMetaPackages, 'busybox-static'], signal)
  let known = await first()
  if (metaOf(known) === undefined || !known.has('busybox-static')) {
    await refreshPackageLists({ signal, log })
    known = await first()
  }
  const meta = metaOf(known)
  const busybox = known.get('busybox-static')
  if (meta === undefined || busybox === undefined) {
    throw new Error(`apt doesn't know ${meta ? 'busybox-static' : kernelMetaPackages.join(' or ')}, of which the guest is made.
Look at /etc/apt/sources.list: it must name a whole Debian or Ubuntu archive for this release.`)
  }
  const imageName = meta.depends.find((name) => /^linux-image-\d/.test(name))
  const image = imageName && (await showPackages([imageName], signal)).get(imageName)
  if (!imageName || !image)
    throw new Error(`Package ${meta.name} names no kernel that apt knows, so the guest has none`)
  // Ubuntu keeps the modules in a package of their own.
  const modules = [...(await showPackages(image.depends.filter(isModulesPackage), signal)).values()]
  const packages = [image, ...modules, busybox].map(({ name, version }) => `${name}=${version}`)
  return { kernel: imageName.replace('linux-image-', ''), packages }
}

/** Downloads the packages and unpacks what the guest needs of them below `folder`. Nothing is installed. */
export async function fetchGuestFiles(from: GuestPackages, folder: string, options: Options): Promise<GuestFiles> {
  const { signal } = options
  const root = join(folder, 'root')
  await mkdir(root)
  await downloadDebianPackages(from.packages, folder, options)
  for (const file of await readdir(folder)) {
    if (file.endsWith('.deb')) await run('dpkg-deb', ['-x', join(folder, file), root], { signal })
  }
  // Newer releases have everything below /usr and links to it, which are not part of the packages.
  if (!(await exists(join(root, 'lib')))) await symlink('usr/lib', join(root, 'lib'))

  await run('depmod', ['-b', root, from.kernel], { signal })
  const inBin = join(root, 'bin/busybox')
  const busyboxPath = (await exists(inBin)) ? inBin : join(root, 'usr/bin/busybox')
  const unpackXz = async (path: string) => {
    await run(busyboxPath, ['unxz', '-k', path], { signal })
  }
  return {
    kernelPath: join(root, `boot/vmlinuz-${from.kernel}`),
    busyboxPath,
    ...(await readModules(join(root, 'lib/modules', from.kernel), unpackXz)),
  }
}

async function readModules(
  folder: string,
  unpackXz: (path: string) => Promise<void>,
): Promise<Pick<GuestFiles, 'basicModules' | 'controllerModules'>> {
  const needs = new Map<string, string[]>()
  for (const line of (await readFile(join(folder, 'modules.dep'), 'utf8')).split('\n')) {
    const [path, rest = ''] = line.split(':')
    // modules.dep lists each module's whole closure; the one to be loaded first is the last.
    if (path) needs.set(path, rest.split(' ').filter(Boolean).reverse())
  }
  const taken = new Set<string>()
  const take = async (names: readonly string[]): Promise<KernelModule[]> => {
    const modules: KernelModule[] = []
    for (const name of names) {
      const wanted = [...needs.keys()].find((candidate) => moduleName(candidate) === name)
      for (const path of wanted === undefined ? [] : [...(needs.get(wanted) ?? []), wanted]) {
        if (taken.has(path)) continue
        taken.add(path)
        modules.push({ name: `${moduleName(path)}.ko`, content: await readModule(join(folder, path), unpackXz) })
      }
    }
    return modules
  }
  return { basicModules: await take(basicModules), controllerModules: await take(controllerModules) }
}

// Newer releases compress modules; busybox's insmod wants them plain, and the whole initrd is compressed anyway.
async function readModule(path: string, unpackXz: (path: string) => Promise<void>): Promise<Uint8Array> {
  if (path.endsWith('.xz')) {
    await unpackXz(path)
    return readFile(path.replace(/\.xz$/, ''))
  }
  const content = await readFile(path)
  if (path.endsWith('.zst')) return zstdDecompressSync(content)
  if (path.endsWith('.gz')) return gunzipSync(content)
  return content
}

function moduleName(path: string): string {
  return basename(path)
    .replace(/\.ko(\.\w+)?$/, '')
    .replaceAll('-', '_')
}

interface ShownPackage {
  readonly name: string
  readonly version: string
  readonly depends: readonly string[]
}

// Those of the named packages that apt knows, in the version that it would install.
async function showPackages(names: readonly string[], signal: AbortSignal): Promise<Map<string, ShownPackage>> {
  const shown = new Map<string, ShownPackage>()
  if (names.length === 0) return shown
  // Exit code 100: it knows none of them.
  const { stdout } = await run('apt-cache', ['show', '--no-all-versions', ...names], { signal, okCodes: [0, 100] })
  for (const stanza of stdout.split(/\n\n+/)) {
    const field = (key: string) => new RegExp(`^${key}: (.*)$`, 'm').exec(stanza)?.[1] ?? ''
    const depends = `${field('Pre-Depends')}, ${field('Depends')}`.split(/[,|]/).map((item) => item.trim())
    const name = field('Package')
    if (name === '') continue
    shown.set(name, { name, version: field('Version'), depends: depends.map((item) => item.replace(/[ :].*/, '')) })
  }
  return shown
}

function metaOf(known: ReadonlyMap<string, ShownPackage>): ShownPackage | undefined {
  return kernelMetaPackages.map((name) => known.get(name)).find((found) => found !== undefined)
}

function isModulesPackage(name: string): boolean {
  return /^linux-modules-\d/.test(name)
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
