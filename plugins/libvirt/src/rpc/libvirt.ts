import type { CallOptions } from './call-options.ts'
import { Caller } from './caller.ts'
import type { ConnectionOptions } from './connection.ts'
import { Domains } from './domains.ts'
import { type LifecycleWatch, watchLifecycle } from './lifecycle-watch.ts'
import { Networks } from './networks.ts'
import { Node } from './node.ts'
import { Pools } from './pools.ts'
import { openSession, type Session } from './session.ts'
import { parseUri } from './uri.ts'
import { Volumes } from './volumes.ts'

/**
 * Connects to a running libvirtd. `options` end the opening only; what comes later has its own.
 *
 * ```ts
 * await using libvirt = await openLibvirt('qemu:///system')
 * const { domains } = libvirt.with({ signal })
 * const domain = await domains.define(xml)
 * await domains.start(domain)
 * ```
 */
export async function openLibvirt(uri: string, options: ConnectionOptions = {}): Promise<Libvirt> {
  return new Libvirt(await openSession(parseUri(uri), options))
}

/**
 * A libvirtd, until `close`. It does not reconnect: after a loss every call rejects with `ConnectionLost`, `closed`
 * resolves, and whoever opened it opens another one and looks at what is there.
 */
export class Libvirt implements AsyncDisposable {
  readonly domains: Domains
  readonly pools: Pools
  readonly volumes: Volumes
  readonly networks: Networks
  readonly node: Node
  readonly #session: Session
  readonly #caller: Caller

  constructor(session: Session, caller = new Caller(session)) {
    this.#session = session
    this.#caller = caller
    this.domains = new Domains(caller)
    this.pools = new Pools(caller)
    this.volumes = new Volumes(caller)
    this.networks = new Networks(caller)
    this.node = new Node(caller)
  }

  get isOpen(): boolean {
    return this.#session.isOpen
  }

  /** Resolves with the cause, and never rejects, when the connection is gone. */
  get closed(): Promise<unknown> {
    return this.#session.closed
  }

  /** The same connection, where no call waits longer than this. */
  with(options: CallOptions): Libvirt {
    return new Libvirt(this.#session, this.#caller.limitedBy(options))
  }

  /** The same connection, where every call ends with this signal. */
  withSignal(signal: AbortSignal): Libvirt {
    return this.with({ signal })
  }

  /** Starts to watch what happens to domains. */
  watchDomains(options?: CallOptions): Promise<LifecycleWatch> {
    return watchLifecycle(this.#session, this.#caller.optionsWith(options))
  }

  /** Closes the connection for everyone who shares it, and resolves when it is gone. Safe to call twice. */
  close(): Promise<void> {
    return this.#session.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
