import { chmod, chown, lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type FoundProcess, findProcesses, identify, isAlive, killHard, waitUntilGone } from './processes.ts'

/**
 * The one folder in which a private libvirtd keeps everything, and the record of who owns it.
 *
 * It lies in /tmp and not in $TMPDIR: the daemon's user must reach it, and its path must be short. A Unix socket's path
 * has at most 107 bytes, of which libvirt's longest (a guest's monitor) takes 67 behind this folder.
 */
export interface LibvirtdFolder {
  readonly dir: string
  readonly socket: string
  readonly pidFile: string
  readonly logFile: string
  /** For disks, seeds and console logs. The daemon's user may write here. */
  readonly poolDir: string
}

/** The user that runs the daemon and the virtual machines. */
export interface DaemonUser {
  readonly uid: number
  readonly gid: number
}

const parent = '/tmp'
const prefix = 'mcm-vm-'
const longestDir = 40

/** Makes the folder, owned by this process. `dir` must be missing or empty. */
export async function makeLibvirtdFolder(user: DaemonUser, dir?: string): Promise<LibvirtdFolder> {
  const path = dir ?? (await mkdtemp(join(parent, prefix)))
  if (Buffer.byteLength(path) > longestDir) {
    throw new Error(`The folder ${path} is too deep for libvirt's sockets: its path may have ${longestDir} bytes.`)
  }
  await mkdir(path, { recursive: true })
  const present = await readdir(path)
  if (present.length > 0) throw new Error(`The folder ${path} for libvirtd must be empty, and holds ${present[0]}.`)
  await writeOwner(path, process.pid)
  // The folder stays ours; its user may only pass through to the folders that it gets.
  await chmod(path, user.uid === process.getuid?.() ? 0o700 : 0o711)
  for (const name of ['home', 'run', 'config', 'config/libvirt', 'cache', 'pool']) {
    await mkdir(join(path, name), { mode: 0o700 })
    await chown(join(path, name), user.uid, user.gid)
  }
  // Otherwise consoles go through virtlogd, a second daemon.
  await writeFile(join(path, 'config/libvirt/qemu.conf'), 'stdio_handler = "file"\n', { mode: 0o644 })
  return {
    dir: path,
    socket: join(path, 'run/libvirt/libvirt-sock'),
    pidFile: join(path, 'run/libvirtd.pid'),
    logFile: join(path, 'libvirtd.log'),
    poolDir: join(path, 'pool'),
  }
}

/** Makes another process the owner: when that one ends, the next start clears the folder away. */
export async function writeOwner(dir: string, pid: number): Promise<void> {
  const owner = await identify(pid)
  if (owner === undefined) throw new Error(`Process ${pid} doesn't run, so it can't own ${dir}.`)
  // Written beside and renamed: a reader must never see half of it.
  const temporary = join(dir, 'owner.json.new')
  await writeFile(temporary, JSON.stringify(owner))
  await rename(temporary, join(dir, 'owner.json'))
}

/** The running processes of this folder's daemon: itself, its parent tini, its virtual machines, its helpers. */
export async function processesOf(dir: string): Promise<FoundProcess[]> {
  // By the program's name too: somebody may read a log in this folder, or be given its path, and is none of ours.
  return findProcesses(
    (commandLine) =>
      /^(libvirtd|tini|qemu-.*)$/.test(programOf(commandLine)) &&
      commandLine.some((argument) => argument.includes(`${dir}/`)),
  )
}

/** Ends every process of the folder's daemon and removes the folder. Resolves when all of it is gone. */
export async function clearLibvirtdFolder(dir: string): Promise<void> {
  // Children before parents, so that nobody is left for the system's first process to collect: tini takes notice of the
  // machines and of libvirtd, and then ends by itself. Twice, because libvirtd may start one more meanwhile.
  const order = ['qemu-', 'libvirtd', 'qemu-', 'tini']
  for (const program of order) {
    const found = (await processesOf(dir)).filter(({ commandLine }) => programOf(commandLine).startsWith(program))
    if (program === 'tini' && (await waitUntilGone(found, 2_000))) continue
    await Promise.all(found.map(killHard))
    if (await waitUntilGone(found, 10_000)) continue
    throw new Error(`Processes ${found.map(({ pid }) => pid).join(', ')} (${program}) of ${dir} do not end.
End them, then remove the folder.`)
  }
  await rm(dir, { recursive: true, force: true, maxRetries: 3 })
}

/** Clears away what owners left that were killed and couldn't do it themselves. */
export async function clearAbandonedFolders(log: (line: string) => void): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix)) continue
    const dir = join(parent, name)
    if (!(await isAbandoned(dir))) continue
    log(`libvirtd: clearing away ${dir}, whose owner is gone`)
    try {
      await clearLibvirtdFolder(dir)
    } catch (error) {
      // What an earlier run left is no reason to refuse this one.
      log(`libvirtd: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

async function isAbandoned(dir: string): Promise<boolean> {
  try {
    // /tmp is open to all: a folder that somebody else made there, or a link, is not ours to remove.
    const info = await lstat(dir)
    if (!info.isDirectory() || info.uid !== process.getuid?.()) return false
    const owner: unknown = JSON.parse(await readFile(join(dir, 'owner.json'), 'utf8'))
    if (typeof owner !== 'object' || owner === null || !('pid' in owner) || !('startTime' in owner)) return false
    return !(await isAlive({ pid: Number(owner.pid), startTime: String(owner.startTime) }))
  } catch {
    // No readable record: it is being made or removed by another process right now.
    return false
  }
}

function programOf(commandLine: readonly string[]): string {
  return basename(commandLine[0] ?? '')
}
