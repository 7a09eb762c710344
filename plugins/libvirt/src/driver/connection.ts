import { type CallContext, MachineError } from '@mcm/sdk'
import { type Libvirt, openLibvirt } from '../rpc/index.ts'
import { asMachineError } from './errors.ts'

/** What is known of one libvirtd, shared by all calls to it. */
export class LibvirtConnection {
  /** Whether KVM works there: `undefined` until a machine has tried. */
  kvmWorks: boolean | undefined
  readonly #uri: string
  #opening: Promise<Libvirt> | undefined

  constructor(uri: string) {
    this.#uri = uri
  }

  /** The open connection; opens it again when libvirtd has been away. Calls on it end with the signal. */
  async use(signal: AbortSignal): Promise<Libvirt> {
    const opening = this.#opening
    const current = await opening?.catch(() => undefined)
    if (!current?.isOpen && this.#opening === opening) {
      // Shared by all who wait, so it must not end with the signal of the first of them.
      this.#opening = openLibvirt(this.#uri, { signal: AbortSignal.timeout(openTimeoutMs) })
    }
    const libvirt = await this.#opening
    if (!libvirt) throw new MachineError('Unavailable', `no connection to ${this.#uri}`)
    return libvirt.withSignal(signal)
  }

  async close(): Promise<void> {
    const libvirt = await this.#opening?.catch(() => undefined)
    await libvirt?.close()
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
    throw asMachineError(error, uri)
  }
}

const openTimeoutMs = 30_000
