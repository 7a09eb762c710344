import { createConnection } from 'node:net'
import type { Duplex } from 'node:stream'
import { ConnectFailed } from './errors.ts'

/**
 * How bytes get to a libvirtd. Whatever gives a Duplex will do: a Unix socket today, `ssh` with `virt-ssh-helper` or
 * TLS (after the byte that says the certificate was accepted) without a change elsewhere.
 */
export interface Transport {
  /** For messages: where it leads. */
  readonly description: string
  connect(signal?: AbortSignal): Promise<Duplex>
}

/** A socket on this host. The first path at which a daemon listens is taken. */
export function unixTransport(paths: readonly string[]): Transport {
  const description = paths.join(' or ')
  return {
    description,
    async connect(signal) {
      let failure: unknown
      for (const path of paths) {
        try {
          return await connectUnix(path, signal)
        } catch (error) {
          signal?.throwIfAborted()
          if (!isAbsent(error)) throw connectFailure(path, error)
          failure = error
        }
      }
      throw connectFailure(description, failure)
    },
  }
}

function connectUnix(path: string, signal: AbortSignal | undefined): Promise<Duplex> {
  signal?.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<Duplex>()
  const socket = createConnection({ path })
  const onAbort = () => {
    socket.destroy()
    reject(signal?.reason)
  }
  signal?.addEventListener('abort', onAbort, { once: true })
  socket.once('error', reject)
  socket.once('connect', () => {
    socket.off('error', reject)
    resolve(socket)
  })
  return promise.finally(() => signal?.removeEventListener('abort', onAbort))
}

function connectFailure(where: string, cause: unknown): ConnectFailed {
  if (isAbsent(cause)) {
    const advice = 'start libvirtd (it is not started from here), or name its socket with ?socket=/path'
    return new ConnectFailed('not-running', `no libvirtd listens at ${where}: ${advice}`, cause)
  }
  if (hasCode(cause, 'EACCES', 'EPERM')) {
    const advice = 'run as a user who may open it (often a member of the group libvirt)'
    return new ConnectFailed('not-permitted', `no permission to open ${where}: ${advice}`, cause)
  }
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new ConnectFailed('failed', `cannot connect to libvirtd at ${where}: ${reason}`, cause)
}

/** A socket file without a daemon behind it refuses; without the file there is nothing to connect to. */
function isAbsent(error: unknown): boolean {
  return hasCode(error, 'ENOENT', 'ECONNREFUSED')
}

function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.some((code) => code === error.code)
}
