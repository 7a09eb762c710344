import { type CallContext, MachineError, untilAborted } from '@mcm/sdk'
import { CallAbandoned, type Libvirt, openLibvirt } from '../rpc/index.ts'
import { asMachineError } from './errors.ts'
import type { SharedWork } from './shared-work.ts'

/** What is known of one libvirtd, shared by all calls to it. */
export class LibvirtConnection {
  /** Whether KVM works there: `undefined` until a machine has tried. */
  kvmWorks: boolean | undefined
  /** Images on their way into a pool. */
  readonly fetches = new Map<string, SharedWork<string>>()
  readonly #uri: string
  readonly #openTimeoutMs: number
  #opening: Promise<Libvirt> | undefined

  constructor(uri: string, { openTimeoutMs = 30_000 } = {}) {
    this.#uri = uri
    this.#openTimeoutMs = openTimeoutMs
  }

  /** The open connection; opens it again when libvirtd has been away. Calls on it end with the signal. */
  async use(signal: AbortSignal): Promise<Libvirt> {
    const libvirt = await untilAborted(this.#opened(), signal)
    return libvirt.withSignal(signal)
  }

  async close(): Promise<void> {
    const libvirt = await this.#opening?.catch(() => undefined)
    await libvirt?.close()
  }

  async #opened(): Promise<Libvirt> {
    const opening = this.#opening
    const current = await opening?.catch(() => undefined)
    if (current?.isOpen) return current
    // Of all who find it closed, the first opens it.
    if (this.#opening === opening || !this.#opening) this.#opening = this.#open()
    return await this.#opening
  }

  /** Shared by all who wait, so it must not end with the signal of the first of them. */
  async #open(): Promise<Libvirt> {
    const timeoutMs = this.#openTimeoutMs
    try {
      return await openLibvirt(this.#uri, { signal: AbortSignal.timeout(timeoutMs) })
    } catch (error) {
      if (!(error instanceof CallAbandoned)) throw error
      const message = `${this.#uri}: libvirtd has not answered within ${timeoutMs / 1000} s`
      throw new MachineError('Unavailable', message, { cause: error })
    }
  }
}

/** Runs something with the libvirtd of a URI. What libvirt says goes out as the contract's errors. */
export async function withLibvirt<T>(
  uri: string,
  { client, signal }: Pick<CallContext, 'client' | 'signal'>,
  run: (libvirt: Libvirt, connection: LibvirtConnection) => Promise<T>,
): Promise<T> {
  try {
    const connection = await client(
      ['libvirt', uri],
      () => new LibvirtConnection(uri),
      (one) => one.close(),
    )
    return await run(await connection.use(signal), connection)
  } catch (error) {
    // The host knows best whether the caller, its deadline or the host itself ended the call.
    if (signal.aborted && error instanceof CallAbandoned) throw signal.reason
    throw asMachineError(error, uri)
  }
}
