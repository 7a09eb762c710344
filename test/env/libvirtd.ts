import { type ChildProcess, spawn } from 'node:child_process'
import { open, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  clearAbandonedFolders,
  clearLibvirtdFolder,
  type DaemonUser,
  type LibvirtdFolder,
  makeLibvirtdFolder,
  processesOf,
  writeOwner,
} from './libvirtd-folder.ts'
import { identify, killHard, waitUntilGone } from './processes.ts'
import { findProgram, lastLines, RunError, run, toolEnv } from './run.ts'

export interface LibvirtdOptions {
  readonly signal: AbortSignal
  readonly log: (line: string) => void
  /** The folder to use; missing or empty, with a path of at most 40 bytes. Default: a new one in /tmp. */
  readonly dir?: string
}

/** How long the daemon may take to listen and to answer its first call, which probes QEMU. Seen: 1 to 4 s. */
const startDeadlineMs = 60_000

/**
 * Starts a libvirtd of our own, as an ordinary user, in a folder of its own. Nothing of the machine's own libvirt is
 * touched. It is ready for calls when this resolves. Whoever starts it must close it.
 *
 * An ordinary user even when this process is root: where only root can open a broken /dev/kvm, root's libvirtd probes
 * QEMU anew for minutes, and virtual machines should have no more rights than they need.
 */
export async function startPrivateLibvirtd(options: LibvirtdOptions): Promise<PrivateLibvirtd> {
  const { signal, log } = options
  signal.throwIfAborted()
  const started = performance.now()
  await clearAbandonedFolders(log)
  const user = await daemonUser()
  const folder = await makeLibvirtdFolder(user, options.dir)
  const daemon = new PrivateLibvirtd(folder, user)
  try {
    await daemon.restart(signal)
    log(`libvirtd: ready in ${((performance.now() - started) / 1000).toFixed(1)} s, ${daemon.uri}`)
    return daemon
  } catch (error) {
    await daemon.close()
    throw error
  }
}

export class PrivateLibvirtd implements AsyncDisposable {
  /** For virsh and for the plugin's providerSpec. */
  readonly uri: string
  readonly socket: string
  readonly dir: string
  /** For disks, seeds and console logs; the daemon's user may write here. */
  readonly poolDir: string
  readonly logFile: string
  /** The user and group that the daemon and its virtual machines run as. */
  readonly uid: number
  readonly gid: number
  readonly #folder: LibvirtdFolder
  #child: ChildProcess | undefined
  #pid: number | undefined
  #closing: Promise<void> | undefined

  constructor(folder: LibvirtdFolder, user: DaemonUser) {
    this.#folder = folder
    this.dir = folder.dir
    this.socket = folder.socket
    this.poolDir = folder.poolDir
    this.logFile = folder.logFile
    this.uri = `qemu+unix:///session?socket=${folder.socket}`
    this.uid = user.uid
    this.gid = user.gid
  }

  /** The daemon's own process; undefined while it doesn't run. */
  get pid(): number | undefined {
    return this.#pid
  }

  /** The processes of the virtual machines that run now. */
  async qemuProcesses(): Promise<number[]> {
    const found = await processesOf(this.dir)
    return found.filter(({ commandLine }) => isMachine(commandLine)).map(({ pid }) => pid)
  }

  /** Kills the daemon as a crash would. Its virtual machines go on. */
  async killHard(): Promise<void> {
    const id = this.#pid === undefined ? undefined : await identify(this.#pid)
    if (id !== undefined) {
      await killHard(id)
      if (!(await waitUntilGone([id], 10_000))) throw new Error(`libvirtd (process ${id.pid}) does not end.`)
    }
    this.#pid = undefined
  }

  /** Kills the daemon if it runs, and starts it again. It takes over the virtual machines that still run. */
  async restart(signal: AbortSignal): Promise<void> {
    if (this.#closing) throw new Error(`The libvirtd of ${this.dir} is closed.`)
    await this.killHard()
    this.#child = await this.#spawn()
    const ended = new AbortController()
    this.#child.once('error', (error) => ended.abort(error))
    this.#child.once('exit', (code, by) => ended.abort(new Error(`it ended with ${by ?? `exit code ${code}`}`)))
    const deadline = AbortSignal.timeout(startDeadlineMs)
    const either = AbortSignal.any([signal, ended.signal, deadline])
    try {
      // The first call makes the daemon ask QEMU what it can do. It belongs to the start: no test should time it.
      await untilAnswering(this.socket, this.uri, either)
      this.#pid = Number.parseInt(await readFile(this.#folder.pidFile, 'utf8'), 10)
    } catch (error) {
      signal.throwIfAborted()
      const cause: unknown = ended.signal.aborted ? ended.signal.reason : error
      const what = deadline.aborted ? `no answer within ${startDeadlineMs} ms` : errorText(cause)
      throw new Error(`start libvirtd in ${this.dir}: ${what}\n${await this.#logTail()}`, { cause })
    }
  }

  /** Lets the daemon outlive this process. It is cleared away by the next start after process `pid` has ended. */
  async handOver(pid: number): Promise<void> {
    await writeOwner(this.dir, pid)
    this.#child?.unref()
  }

  /** Ends all virtual machines and the daemon, and removes the folder. Resolves when all are gone. */
  close(): Promise<void> {
    this.#closing ??= clearLibvirtdFolder(this.dir)
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #spawn(): Promise<ChildProcess> {
    const libvirtd = await findProgram('libvirtd')
    if (libvirtd === undefined) throw new Error('There is no libvirtd on this machine. See test/env/vm-tools.ts.')
    const tini = await findProgram('tini')
    const command = [libvirtd, '-p', this.#folder.pidFile]
    // Machines outlive their first parent. tini takes them in and notices their end at once; some systems' first
    // process takes a second for it, and libvirtd waits so long in every destroy.
    const [program = libvirtd, ...args] = tini === undefined ? command : [tini, '-s', '--', ...command]
    const log = await open(this.logFile, 'a')
    try {
      const isRoot = process.getuid?.() === 0
      return spawn(program, args, {
        ...(isRoot ? { uid: this.uid, gid: this.gid } : {}),
        cwd: this.dir,
        // Nothing of the caller's environment: a session bus or a home folder would lead outside.
        env: {
          PATH: toolEnv().PATH,
          HOME: join(this.dir, 'home'),
          XDG_RUNTIME_DIR: join(this.dir, 'run'),
          XDG_CONFIG_HOME: join(this.dir, 'config'),
          XDG_CACHE_HOME: join(this.dir, 'cache'),
          LC_ALL: 'C.UTF-8',
        },
        stdio: ['ignore', log.fd, log.fd],
        // Ctrl-C at the terminal must not end it before its owner has deleted the machines in it.
        detached: true,
      })
    } finally {
      await log.close()
    }
  }

  async #logTail(): Promise<string> {
    try {
      return `The end of its log:\n${lastLines(await readFile(this.logFile, 'utf8'), 15)}`
    } catch (error) {
      return `Its log could not be read: ${errorText(error)}`
    }
  }
}

// As root: `nobody`, who has no rights and is on every system. libvirt wants a user with a name.
async function daemonUser(): Promise<DaemonUser> {
  const uid = process.getuid?.()
  const gid = process.getgid?.()
  if (uid === undefined || gid === undefined) throw new Error(`libvirtd doesn't run on ${process.platform}.`)
  if (uid !== 0) return { uid, gid }
  const entry = /^nobody:[^:]*:(\d+):(\d+):/m.exec(await readFile('/etc/passwd', 'utf8'))
  if (entry === null) throw new Error('There is no user "nobody" in /etc/passwd, as whom libvirtd would run.')
  return { uid: Number(entry[1]), gid: Number(entry[2]) }
}

/** Until the daemon answers a call. One that was killed just now may still take a connection, and never answers on it. */
async function untilAnswering(socket: string, uri: string, signal: AbortSignal): Promise<void> {
  while (true) {
    while (!(await canConnect(socket))) await sleep(20, undefined, { signal })
    try {
      await run('virsh', ['-c', uri, 'version', '--daemon'], { signal, deadlineMs: startDeadlineMs })
      return
    } catch (error) {
      if (!(error instanceof RunError) || !/connection refused|connection reset|end of file/i.test(error.stderr))
        throw error
      await sleep(20, undefined, { signal })
    }
  }
}

function canConnect(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

// libvirtd also starts QEMU for a moment to ask what it can do, without a machine, and qemu-img to make disks.
function isMachine(commandLine: readonly string[]): boolean {
  const program = basename(commandLine[0] ?? '')
  return program.startsWith('qemu-system-') && commandLine.some((argument) => argument.startsWith('guest='))
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
