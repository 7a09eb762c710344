import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { waitFor } from '@mcm/sdk'
import type { EnsureOptions } from '../../env/debian-packages.ts'
import { ensurePython } from '../../env/python.ts'
import { lastLines } from '../../env/run.ts'

/** A Python with moto, an EC2 that we did not write, and boto3, a client that we did not write. @returns Its interpreter. */
export async function ensureMoto(options: EnsureOptions): Promise<string> {
  return await ensurePython('python-moto-5.2.5', ['moto[ec2,sts,iam,server]==5.2.5', 'boto3'], options)
}

/** A running moto server. */
export class Moto implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly url: string

  private constructor(child: ChildProcess, url: string) {
    this.#child = child
    this.url = url
  }

  static async start(options: EnsureOptions): Promise<Moto> {
    const python = await ensureMoto(options)
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    // Without these, moto takes any instance type, key and image.
    const checks = { MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION: 'true', MOTO_ENABLE_AMI_VALIDATION: 'true' }
    const child = spawn(python, ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], {
      env: { PATH: process.env.PATH, ...checks },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let errors = ''
    child.stderr?.on('data', (text: Buffer) => {
      errors = lastLines(errors + text, 20)
    })
    const moto = new Moto(child, url)
    const isUp = async () => {
      if (child.exitCode !== null) throw new Error(`moto_server ended with ${child.exitCode}:\n${errors}`)
      const answer = await fetch(`${url}/moto-api/data.json`).catch(() => undefined)
      return answer?.ok || undefined
    }
    await waitFor(isUp, { signal: options.signal, what: 'moto_server', timeoutMs: 60_000, maxIntervalMs: 500 })
    return moto
  }

  /** Forgets everything. */
  async reset(): Promise<void> {
    await fetch(`${this.url}/moto-api/reset`, { method: 'POST' })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }
}

/** moto does not choose a port by itself. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}
