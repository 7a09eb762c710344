import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { checkOrigin } from '../../host/src/install/check-origin.ts'
import { Npm } from '../../host/src/install/npm.ts'
import { openRegistry } from '../../host/src/install/registry.ts'
import { makeSigner, type Published, startRegistry, type TinyRegistry, type Vouched } from './testing/tiny-registry.ts'
import { startSigstore, type TinySigstore, workflow } from './testing/tiny-sigstore.ts'

// A registry that signs, and a sigstore, both on loopback. Only the keys are not the real ones.

let registry: TinyRegistry
let sigstore: TinySigstore
let cache: string
const good = makeSigner('good')
const expired = makeSigner('expired', '2025-01-01T00:00:00.000Z')
const other = makeSigner('good')

beforeAll(async () => {
  sigstore = await startSigstore()
  return async () => await sigstore[Symbol.asyncDispose]()
})
beforeEach(async () => {
  registry = await startRegistry()
  registry.keys.push(expired.key, good.key)
  cache = await mkdtemp(join(tmpdir(), 'mcm-npm-cache-'))
  await sigstore.trustIn(cache)
  vi.stubEnv('npm_config_registry', registry.url)
  vi.stubEnv('npm_config_cache', cache)
  vi.stubEnv('npm_config_fetch_retries', '0')
  return async () => {
    await registry[Symbol.asyncDispose]()
    await rm(cache, { recursive: true })
  }
})
afterAll(() => vi.unstubAllEnvs())

/** Publishes a package, and checks it as if it was fetched. */
async function check(vouch: (published: Published) => Promise<Vouched> | Vouched, fetched: Partial<Published> = {}) {
  const published = await registry.publish({ 'package.json': '{"name":"@acme/plugin","version":"1.0.0"}' }, vouch)
  const { signal } = new AbortController()
  const asked = await openRegistry('@acme/plugin', { npm: await Npm.find(), cwd: cache, signal })
  return await checkOrigin({ ...published, ...fetched }, asked, signal)
}

const otherIntegrity = `sha512-${Buffer.alloc(64).toString('base64')}`
const signed = (published: Published): Vouched => ({ signatures: [good.sign(published)] })
const attested = async (published: Published): Promise<Vouched> => ({
  ...signed(published),
  attestations: [await sigstore.attest(published, workflow('acme/plugin'))],
})
const refused = (why: string | RegExp) =>
  expect.objectContaining({
    message: typeof why === 'string' ? `@acme/plugin 1.0.0 ${why}\nnothing was changed` : expect.stringMatching(why),
  })

describe('signatures', () => {
  it('are checked with the key that they name', async () => {
    expect(await check(signed)).toEqual({ signature: 'registry', provenance: 'none', notes: [] })
    const before = (published: Published) => ({
      signatures: [expired.sign(published)],
      time: '2024-12-31T00:00:00.000Z',
    })
    expect(await check(before)).toEqual({ signature: 'registry', provenance: 'none', notes: [] })
  })

  it('may be missing, and so may the keys', async () => {
    expect(await check(() => ({}))).toEqual({ signature: 'none', provenance: 'none', notes: [] })
    registry.keys.length = 0
    expect(await check(signed)).toEqual({
      signature: 'none',
      provenance: 'none',
      notes: ['it is signed, but the registry has no keys to check that with'],
    })
  })

  it.each<[string, (published: Published) => Vouched, Partial<Published>, string]>([
    ['by another key', (p) => ({ signatures: [other.sign(p)] }), {}, 'has a wrong registry signature (key good)'],
    [
      'that is rubbish',
      () => ({ signatures: [{ keyid: 'good', sig: 'x' }] }),
      {},
      'has a wrong registry signature (key good)',
    ],
    [
      'of another version',
      (p) => ({ signatures: [good.sign({ ...p, version: '9.0.0' })] }),
      {},
      'has a wrong registry signature (key good)',
    ],
    ['of what was not fetched', signed, { integrity: otherIntegrity }, 'has a wrong registry signature (key good)'],
    [
      'of which only one is right',
      (p) => ({ signatures: [good.sign(p), { keyid: 'good', sig: 'x' }] }),
      {},
      'has a wrong registry signature (key good)',
    ],
    [
      'by a key that nobody knows',
      (p) => ({ signatures: [{ ...good.sign(p), keyid: 'gone' }] }),
      {},
      'is signed with the key gone, which the registry does not know',
    ],
    [
      'by a key that had expired',
      (p) => ({ signatures: [expired.sign(p)] }),
      {},
      'is signed with the key expired, which expired on 2025-01-01T00:00:00.000Z',
    ],
    [
      'by a key that expires, at a time that is none',
      (p) => ({ signatures: [expired.sign(p)], time: 'never' }),
      {},
      'is signed with the key expired, which expired on 2025-01-01T00:00:00.000Z',
    ],
  ])('%s are refused', async (_, vouch, fetched, why) => {
    await expect(check(vouch, fetched)).rejects.toEqual(refused(why))
  })
})

describe('provenance', () => {
  it('is read from the certificate of the build', async () => {
    expect(await check(attested)).toEqual({
      signature: 'registry',
      provenance: {
        repository: 'https://github.com/acme/plugin',
        workflow: '.github/workflows/release.yml@refs/tags/v1',
        commit: '0123456789abcdef0123456789abcdef01234567',
      },
      notes: [],
    })
  })

  it('does not need a registry that signs', async () => {
    registry.keys.length = 0
    const attestations = async (p: Published) => ({ attestations: [await sigstore.attest(p, workflow('acme/plugin'))] })
    expect(await check(attestations)).toMatchObject({ signature: 'none', provenance: { commit: /^01/ } })
  })

  it('of a build service that may not speak for the repository is none', async () => {
    const identity = { ...workflow('acme/plugin'), iss: 'https://ci.example' }
    const vouch = async (p: Published) => ({ attestations: [await sigstore.attest(p, identity)] })
    expect(await check(vouch)).toMatchObject({ provenance: 'none' })
    const lab = { ...workflow('acme/plugin'), iss: 'https://gitlab.com' }
    expect(await check(async (p) => ({ attestations: [await sigstore.attest(p, lab)] }))).toMatchObject({
      provenance: 'none',
    })
  })

  it('counts for nothing where it cannot be checked, which is told', async () => {
    await rm(join(cache, '_tuf'), { recursive: true })
    vi.stubEnv('https_proxy', 'http://127.0.0.1:9')
    const { provenance, notes } = await check(attested)
    expect({ provenance, notes }).toEqual({
      provenance: 'none',
      notes: [
        expect.stringMatching(/^its attestations cannot be checked, since sigstore's root of trust is not there: /),
      ],
    })
  })

  const tampered = async (published: Published, change: (bundle: never) => void) => {
    const attestation = JSON.parse(JSON.stringify(await sigstore.attest(published, workflow('acme/plugin'))))
    change(attestation.bundle as never)
    return { attestations: [attestation] }
  }
  it.each<[string, (published: Published) => Promise<Vouched>, Partial<Published>, RegExp]>([
    ['of another tarball', attested, { integrity: otherIntegrity }, /wrong registry signature/],
    [
      'of another tarball, unsigned',
      async (p) => ({
        attestations: [await sigstore.attest({ ...p, integrity: otherIntegrity }, workflow('acme/plugin'))],
      }),
      {},
      /has an attestation of something else: pkg:npm\/%40acme\/plugin@1\.0\.0, sha512 0000000000000000…/,
    ],
    [
      'of another package',
      async (p) => ({ attestations: [await sigstore.attest({ ...p, name: 'evil' }, workflow('acme/plugin'))] }),
      {},
      /has an attestation of something else: pkg:npm\/evil@1\.0\.0/,
    ],
    [
      'with a changed statement',
      async (p) =>
        await tampered(p, (bundle: { dsseEnvelope: { payload: string } }) => {
          const text = Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString()
          bundle.dsseEnvelope.payload = Buffer.from(text.replace('{}', '{"x":1}')).toString('base64')
        }),
      {},
      /has a wrong attestation: /,
    ],
    [
      'that no log knows',
      async (p) =>
        await tampered(p, (bundle: { verificationMaterial: { tlogEntries: unknown[] } }) => {
          bundle.verificationMaterial.tlogEntries = []
        }),
      {},
      /has a wrong attestation: /,
    ],
    [
      'that holds another content beside',
      async (p) =>
        await tampered(p, (bundle: { messageSignature: object }) => {
          bundle.messageSignature = { signature: '' }
        }),
      {},
      /has attestations that mcm does not understand/,
    ],
    [
      'with a key that nobody knows',
      async (p) =>
        await tampered(p, (bundle: { dsseEnvelope: { signatures: { keyid: string }[] } }) => {
          for (const signature of bundle.dsseEnvelope.signatures) signature.keyid = 'gone'
        }),
      {},
      /is signed with the key gone, which the registry does not know/,
    ],
  ])('%s is refused', async (_, vouch, fetched, why) => {
    await expect(check(vouch, fetched)).rejects.toEqual(refused(why))
  })

  it('of a sigstore that is not trusted is refused', async () => {
    await using evil = await startSigstore()
    const vouch = async (p: Published) => ({ attestations: [await evil.attest(p, workflow('acme/plugin'))] })
    await expect(check(vouch)).rejects.toEqual(refused(/has a wrong attestation: /))
  })

  it('with a key while the registry has no keys proves nothing', async () => {
    registry.keys.length = 0
    await using evil = await startSigstore()
    const vouch = async (p: Published) => {
      const attestation = JSON.parse(JSON.stringify(await evil.attest(p, workflow('acme/plugin'))))
      attestation.bundle.dsseEnvelope.signatures[0].keyid = 'gone'
      return { attestations: [attestation] }
    }
    expect(await check(vouch)).toMatchObject({ provenance: 'none' })
  })
})
