import { createHash, generateKeyPairSync } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
// Not the packages' own entries, which take over all of the process's HTTP.
import { fulcioHandler, initializeCA, initializeCTLog } from '@sigstore/mock/dist/fulcio/index.js'
import { initializeTLog, rekorHandler } from '@sigstore/mock/dist/rekor/index.js'
import { HashAlgorithm, PublicKeyDetails, TrustedRoot } from '@sigstore/protobuf-specs'
import { initializeTUFRepo } from '@tufjs/repo-mock/dist/repo.js'
import { attest } from 'sigstore'
import type { Published } from './tiny-registry.ts'

/** Who runs a build, as a build service tells sigstore. */
export interface Identity {
  iss: string
  sub: string
  repository: string
  job_workflow_ref: string
  sha: string
}

/** The identity of a workflow of GitHub Actions. */
export const workflow = (repository: string): Identity => ({
  iss: 'https://token.actions.githubusercontent.com',
  sub: `https://github.com/${repository}/.github/workflows/release.yml@refs/tags/v1`,
  repository,
  job_workflow_ref: `${repository}/.github/workflows/release.yml@refs/tags/v1`,
  sha: '0123456789abcdef0123456789abcdef01234567',
})

/** A sigstore of the test's own: certificate authority, transparency logs, and a root of trust that names them. */
export interface TinySigstore extends AsyncDisposable {
  /** Makes what `npm publish --provenance` would upload. */
  attest(published: Published, identity: Identity): Promise<object>
  /** Makes npm's cache trust this sigstore, and no other. */
  trustIn(npmCache: string): Promise<void>
}

export async function startSigstore(): Promise<TinySigstore> {
  const keyPair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const ctLog = await initializeCTLog(keyPair)
  const ca = await initializeCA(keyPair, ctLog)
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  const tLog = await initializeTLog(url, keyPair)
  const handlers = [fulcioHandler(ca), rekorHandler(tLog)]
  server.on('request', async (request, response) => {
    const handler = handlers.find(({ path }) => path === request.url)
    const answer = await handler?.fn((await buffer(request)).toString())
    response.writeHead(answer?.statusCode ?? 404, { 'content-type': 'application/json' }).end(answer?.response)
  })
  return {
    async attest({ name, version, integrity }, identity) {
      const predicateType = 'https://slsa.dev/provenance/v1'
      const sha512 = Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex')
      const subject = [{ name: `pkg:npm/${name.replace('@', '%40')}@${version}`, digest: { sha512 } }]
      const statement = { _type: 'https://in-toto.io/Statement/v1', subject, predicateType, predicate: {} }
      const bundle = await attest(Buffer.from(JSON.stringify(statement)), 'application/vnd.in-toto+json', {
        fulcioURL: url,
        rekorURL: url,
        identityToken: tokenFor(identity),
        // The log that we have for tests keeps entries as they are proposed, which is right for the older kind only.
        legacyCompatibility: true,
      })
      return { predicateType, bundle }
    },
    async trustIn(npmCache) {
      const validFor = { start: new Date(0) }
      const log = (baseUrl: string, publicKey: Buffer) => ({
        baseUrl,
        checkpointKeyId: undefined,
        operator: 'test',
        logId: { keyId: createHash('sha256').update(publicKey).digest() },
        hashAlgorithm: HashAlgorithm.SHA2_256,
        publicKey: { rawBytes: publicKey, keyDetails: PublicKeyDetails.PKIX_ECDSA_P256_SHA_256, validFor },
      })
      const certificates = [{ rawBytes: Buffer.from(ca.rootCertificate.buffer) }]
      const root = {
        mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
        certificateAuthorities: [
          {
            subject: { commonName: 'test', organization: 'test' },
            uri: url,
            certChain: { certificates },
            validFor,
            operator: 'test',
          },
        ],
        tlogs: [log(url, tLog.publicKey)],
        ctlogs: [log(url, ctLog.publicKey)],
        timestampAuthorities: [],
      }
      const content = JSON.stringify(TrustedRoot.toJSON(root))
      const repository = initializeTUFRepo([{ name: 'trusted_root.json', content }])
      const folder = join(npmCache, '_tuf', 'tuf-repo-cdn.sigstore.dev')
      await mkdir(join(folder, 'targets'), { recursive: true })
      await writeFile(join(folder, 'targets/trusted_root.json'), content)
      for (const role of ['root', 'timestamp', 'snapshot', 'targets'] as const) {
        await writeFile(join(folder, `${role}.json`), JSON.stringify(repository[`${role}Meta`]))
      }
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A token as a build service issues it. Nobody checks its signature here. */
function tokenFor(identity: Identity): string {
  const part = (json: object) => Buffer.from(JSON.stringify(json)).toString('base64url')
  return `${part({ alg: 'none' })}.${part({ aud: 'sigstore', ...identity })}.`
}
