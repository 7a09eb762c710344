import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { ConnectFailed } from './errors.ts'
import { type Transport, unixTransport } from './transport.ts'

/** Where to connect, and what to ask for there. */
export interface Target {
  readonly transport: Transport
  /** The URI as libvirtd wants to hear it, without transport and socket. */
  readonly name: string
}

/** What of the process decides where sockets are. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly uid: number | undefined
}

/**
 * Understands `qemu:///system` and `qemu:///session`, also written `qemu+unix:///…`, each with an optional
 * `?socket=/path`. Everything else is refused with a message that says so.
 */
export function parseUri(uri: string, surroundings: Surroundings = thisProcess()): Target {
  const match = /^qemu(?:\+(?<transport>[a-z0-9]+))?:\/\/(?<host>[^/?#]*)\/(?<path>[^?#]*)(?:\?(?<query>.*))?$/.exec(
    uri,
  )
  const { transport = 'unix', host = '', path = '', query = '' } = match?.groups ?? {}
  if (!match || (path !== 'system' && path !== 'session')) throw unsupported(uri, 'not a URI of a QEMU host')
  if (transport !== 'unix') throw unsupported(uri, `transport '${transport}' is not supported`)
  if (host !== '') throw unsupported(uri, 'a local socket has no host name')
  const socket = socketParameter(uri, query)
  const paths = socket === undefined ? defaultSockets(path, surroundings) : [socket]
  return { transport: unixTransport(paths), name: `qemu:///${path}` }
}

function socketParameter(uri: string, query: string): string | undefined {
  let socket: string | undefined
  for (const parameter of query.split('&').filter((part) => part !== '')) {
    const [key, value = ''] = parameter.split(/=(.*)/s)
    if (key !== 'socket') throw unsupported(uri, `parameter '${key}' is not supported`)
    try {
      socket = decodeURIComponent(value)
    } catch (cause) {
      throw unsupported(uri, 'the socket path is not well encoded', cause)
    }
    if (!isAbsolute(socket) || socket.includes('\0')) throw unsupported(uri, 'the socket needs an absolute path')
  }
  return socket
}

/** Newer hosts may have one daemon per driver instead of libvirtd; the one for QEMU speaks the same protocol. */
function defaultSockets(path: 'system' | 'session', surroundings: Surroundings): string[] {
  const folder = socketFolder(path, surroundings)
  return [join(folder, 'libvirt-sock'), join(folder, 'virtqemud-sock')]
}

function socketFolder(path: 'system' | 'session', { env, uid }: Surroundings): string {
  // root has no session daemon of its own: libvirt sends it to the system's.
  if (path === 'system' || uid === 0) return '/var/run/libvirt'
  // Without a runtime folder libvirt falls back to the cache, and so must whoever looks for it.
  const base = env.XDG_RUNTIME_DIR || env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache')
  return join(base, 'libvirt')
}

function thisProcess(): Surroundings {
  return { env: process.env, uid: process.getuid?.() }
}

function unsupported(uri: string, reason: string, cause?: unknown): ConnectFailed {
  const supported =
    'qemu:///system, qemu:///session, qemu+unix:///system?socket=/path, qemu+unix:///session?socket=/path'
  return new ConnectFailed('bad-uri', `'${uri}': ${reason}; supported are ${supported}`, cause)
}
