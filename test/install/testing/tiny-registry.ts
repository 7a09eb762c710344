import { createHash, createSign, generateKeyPairSync } from 'node:crypto'
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

/** A version in the registry. */
export interface Published {
  name: string
  version: string
  integrity: string
}

/** What a registry says of a version. */
export interface Vouched {
  signatures?: { keyid: string; sig: string }[]
  /** Served apart from the rest, unless undefined. */
  attestations?: object[] | undefined
  /** When it was published. */
  time?: string
}

/** A public key, as registries hand it out. */
export interface RegistryKey {
  keyid: string
  key: string
  expires: string | null
}

/** A key pair for signing as a registry does. */
export function makeSigner(keyid: string, expires: string | null = null) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const key: RegistryKey = { keyid, key: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'), expires }
  const sign = ({ name, version, integrity }: Published) => {
    return { keyid, sig: createSign('sha256').update(`${name}@${version}:${integrity}`).sign(privateKey, 'base64') }
  }
  return { key, sign }
}

/** As much of a package registry as npm needs to install from it. */
export interface TinyRegistry extends AsyncDisposable {
  url: string
  /** What was asked for. */
  requests: string[]
  /** @param vouch What the registry is to say of a version beside its tarball. */
  publish(files: Files, vouch?: (published: Published) => Promise<Vouched> | Vouched): Promise<Published>
  /** What it answers when asked for its keys. */
  keys: RegistryKey[]
  /** Lets requests for a package wait. @returns A promise for the first of them, and what lets them go on. */
  hold(name: string): { asked: Promise<void>; release(): void }
}

/** Starts a registry on loopback. */
export async function startRegistry(): Promise<TinyRegistry> {
  const packages = new Map<string, Record<string, object>>()
  const tarballs = new Map<string, Buffer>()
  const others = new Map<string, object>()
  const times = new Map<string, Record<string, string>>()
  const keys: RegistryKey[] = []
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
    const other = path === '-/npm/v1/keys' && keys.length > 0 ? { keys } : others.get(path)
    if (other) return void response.end(JSON.stringify(other))
    if (!versions) return void response.writeHead(404).end('{}')
    const latest = Object.keys(versions).at(-1)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ name: path, 'dist-tags': { latest }, versions, time: times.get(path) }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  return {
    url,
    requests,
    keys,
    async publish(files, vouch = () => ({})) {
      const manifest: { name: string; version: string } = JSON.parse(files['package.json'] ?? '')
      const bytes = await tarball(files)
      const file = `${manifest.name}/-/${manifest.version}.tgz`
      tarballs.set(file, bytes)
      const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`
      const published = { name: manifest.name, version: manifest.version, integrity }
      const { signatures, attestations, time = new Date().toISOString() } = await vouch(published)
      const at = `-/npm/v1/attestations/${manifest.name}@${manifest.version}`
      if (attestations) others.set(at, { attestations })
      const dist = {
        tarball: `${url}/${file}`,
        integrity,
        ...(signatures && { signatures }),
        // As a mirror passes it on, with the host of its source.
        ...(attestations && { attestations: { url: `https://registry.example/${at}` } }),
      }
      times.set(manifest.name, { ...times.get(manifest.name), [manifest.version]: time })
      packages.set(manifest.name, { ...packages.get(manifest.name), [manifest.version]: { ...manifest, dist } })
      return published
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
