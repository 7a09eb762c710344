import { unwatchFile, watchFile } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { experimental, type ServerCredentials } from '@grpc/grpc-js'
import type { Log } from '../log.ts'

/** Files for TLS, all PEM. */
export interface TlsFiles {
  cert: string
  key: string
  /** Who may sign clients' certificates. */
  clientCa: string
}

type Provider = experimental.CertificateProvider

/**
 * TLS certificates from files, read again when the files change. A new set is used only when certificate and key fit
 * together, so a rotation that is half done does no harm; until then the old set serves.
 */
export class Certificates implements Provider {
  readonly #files: TlsFiles
  readonly #log: Log
  readonly #listeners = new Set<() => void>()
  readonly #identity = new Map<experimental.IdentityCertificateUpdateListener, () => void>()
  readonly #ca = new Map<experimental.CaCertificateUpdateListener, () => void>()
  #current: { cert: Buffer; key: Buffer; ca: Buffer }
  #wantsReading = false
  #reading: Promise<void> | undefined

  private constructor(files: TlsFiles, current: { cert: Buffer; key: Buffer; ca: Buffer }, log: Log) {
    this.#files = files
    this.#current = current
    this.#log = log
    for (const file of Object.values(files)) watchFile(file, { interval: pollMs, persistent: false }, this.#changed)
  }

  /** Reads the files. Fails with the file's name where one is missing or they do not fit together. */
  static async read(files: TlsFiles, log: Log): Promise<Certificates> {
    return new Certificates(files, await readAll(files), log)
  }

  /** For node's TLS servers. */
  get secureContext(): SecureContextOptions {
    return { ...this.#current, minVersion: 'TLSv1.2' }
  }

  /** For grpc-js servers; clients must show a certificate. */
  get grpcCredentials(): ServerCredentials {
    return experimental.createCertificateProviderServerCredentials(this, this, true)
  }

  /** Calls back after each change. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener)
  }

  close(): void {
    for (const file of Object.values(this.#files)) unwatchFile(file, this.#changed)
    this.#listeners.clear()
  }

  addCaCertificateListener(listener: experimental.CaCertificateUpdateListener): void {
    this.#subscribe(this.#ca, listener, () => listener({ caCertificate: this.#current.ca }))
  }

  removeCaCertificateListener(listener: experimental.CaCertificateUpdateListener): void {
    this.#unsubscribe(this.#ca, listener)
  }

  addIdentityCertificateListener(listener: experimental.IdentityCertificateUpdateListener): void {
    const tell = () => listener({ certificate: this.#current.cert, privateKey: this.#current.key })
    this.#subscribe(this.#identity, listener, tell)
  }

  removeIdentityCertificateListener(listener: experimental.IdentityCertificateUpdateListener): void {
    this.#unsubscribe(this.#identity, listener)
  }

  #subscribe<L>(listeners: Map<L, () => void>, listener: L, tell: () => void): void {
    listeners.set(listener, tell)
    this.#listeners.add(tell)
    process.nextTick(tell)
  }

  #unsubscribe<L>(listeners: Map<L, () => void>, listener: L): void {
    const tell = listeners.get(listener)
    if (tell) this.#listeners.delete(tell)
    listeners.delete(listener)
  }

  // Several files change at once, and each says so: one reading at a time, and one more if there was another change.
  readonly #changed = () => {
    this.#wantsReading = true
    this.#reading ??= this.#readAgain().finally(() => {
      this.#reading = undefined
    })
  }

  async #readAgain(): Promise<void> {
    while (this.#wantsReading) {
      this.#wantsReading = false
      try {
        this.#current = await readAll(this.#files)
        for (const listener of this.#listeners) listener()
        this.#log.info({ cert: this.#files.cert }, 'TLS certificates read again')
      } catch (error) {
        const reason = (error as Error).message
        this.#log.warn({ reason }, 'TLS certificates changed, the old ones stay in use')
      }
    }
  }
}

// Files are polled, since the links that Kubernetes swaps for a Secret's files make no event on the file itself.
const pollMs = 2000

async function readAll({ cert, key, clientCa }: TlsFiles): Promise<{ cert: Buffer; key: Buffer; ca: Buffer }> {
  const files = { cert: await read(cert), key: await read(key), ca: await read(clientCa) }
  try {
    createSecureContext(files)
  } catch (error) {
    throw new Error(`TLS: ${cert}, ${key} and ${clientCa} do not fit together: ${(error as Error).message}`)
  }
  return files
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    throw new Error(`TLS: cannot read ${file}: ${(error as Error).message}`)
  }
}
