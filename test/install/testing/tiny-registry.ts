import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { gzipSync } from 'node:zlib'
import { type TarFile, writeTar } from '../../../host/src/install/tar.ts'

/** A file of a package: its text, or an entry of another kind, such as a link, for packages with bad intent. */
export type Files = Record<string, string>

/** Makes the tarball of a package, as npm would. */
export async function tarball(files: Files): Promise<Buffer> {
  const entries: TarFile[] = Object.entries(files).map(([path, text]) => {
    return { path: `package/${path}`, isExecutable: false, content: Buffer.from(text) }
  })
  return gzipSync(await bytesOf(entries))
}

/** The bytes of a tar archive. */
export async function bytesOf(files: TarFile[]): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of writeTar(files)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** As much of a package registry as npm needs to install from it. */
export interface TinyRegistry extends AsyncDisposable {
  url: string
  /** What was asked for. */
  requests: string[]
  publish(files: Files): Promise<void>
  /** Lets requests for a package wait. @returns A promise for the first of them, and what lets them go on. */
  hold(name: string): { asked: Promise<void>; release(): void }
}

/** Starts a registry on loopback. */
export async function startRegistry(): Promise<TinyRegistry> {
  const packages = new Map<string, Record<string, object>>()
  const tarballs = new Map<string, Buffer>()
  const requests: string[] = []
  const holds = new Map<string, { ask(): void; released: Promise<void> }>()
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(request.url ?? '').slice(1)
    requests.push(path)
    holds.get(path)?.ask()
    await holds.get(path)?.released
    const file = tarballs.get(path)
    const versions = packages.get(path)
    if (file) return void response.end(file)
    if (!versions) return void response.writeHead(404).end('{}')
    const latest = Object.keys(versions).at(-1)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ name: path, 'dist-tags': { latest }, versions }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  return {
    url,
    requests,
    async publish(files) {
      const manifest: { name: string; version: string } = JSON.parse(files['package.json'] ?? '')
      const bytes = await tarball(files)
      const file = `${manifest.name}/-/${manifest.version}.tgz`
      tarballs.set(file, bytes)
      const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`
      const dist = { tarball: `${url}/${file}`, integrity }
      packages.set(manifest.name, { ...packages.get(manifest.name), [manifest.version]: { ...manifest, dist } })
    },
    hold(name) {
      const asked = Promise.withResolvers<void>()
      const released = Promise.withResolvers<void>()
      holds.set(name, { ask: asked.resolve, released: released.promise })
      return { asked: asked.promise, release: released.resolve }
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
