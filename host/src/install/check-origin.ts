import { Type } from '@mcm/sdk'
import { createVerifier } from 'sigstore'
import { InstallError, messageOf } from './install-error.ts'
import { isShape } from './is-shape.ts'
import type { LockEntry } from './lock-file.ts'
import { checkAttestation, keyidOf, type Provenance, readAttestations } from './provenance.ts'
import type { Registry } from './registry.ts'
import { checkSignatures, keyFor, pemOf, type RegistryKey, readKeys } from './registry-signature.ts'

/** What was proven of where a plugin comes from, for the lock file; and what could not be, for whoever installs. */
export interface Origin extends Pick<LockEntry, 'signature' | 'provenance'> {
  notes: string[]
}

const unproven: Origin = { signature: 'none', provenance: 'none', notes: [] }

interface Version {
  name: string
  version: string
  /** Of the tarball that was fetched, not what the registry says it is. */
  integrity: string
}

/**
 * Checks a plugin's signatures and attestations, as far as its registry has them. What is there and wrong is refused.
 * What is not there, as on many mirrors, is no error here: a policy may want it.
 */
export async function checkOrigin(plugin: Version, registry: Registry, signal: AbortSignal): Promise<Origin> {
  const { name, version } = plugin
  const packument = await registry.get(`/${name.replace('/', '%2f')}`)
  if (!isShape(packumentSchema, packument)) return unproven
  const dist = packument.versions[version]?.dist
  const hasSignatures = (dist?.signatures?.length ?? 0) > 0
  if (!hasSignatures && dist?.attestations === undefined) return unproven
  // Where it is not said, everything that expires has expired.
  const published = new Date(packument.time?.[version] ?? Number.NaN)
  const notes: string[] = []
  try {
    const keys = readKeys(await registry.get('/-/npm/v1/keys'))
    if (hasSignatures && keys.length === 0) notes.push('it is signed, but the registry has no keys to check that with')
    const isSigned = hasSignatures && keys.length > 0
    if (isSigned) checkSignatures(dist?.signatures ?? [], { ...plugin, published }, keys)
    const provenance =
      dist?.attestations === undefined
        ? undefined
        : await checkAttestations(plugin, { registry, url: dist.attestations.url, keys, published, notes, signal })
    return { signature: isSigned ? 'registry' : 'none', provenance: provenance ?? 'none', notes }
  } catch (error) {
    if (!(error instanceof InstallError)) throw error
    throw new InstallError(`${name} ${version} ${messageOf(error)}\nnothing was changed`)
  }
}

const packumentSchema = Type.Object({
  time: Type.Optional(Type.Record(Type.String(), Type.String())),
  versions: Type.Record(
    Type.String(),
    Type.Object({
      dist: Type.Object({
        signatures: Type.Optional(Type.Array(Type.Object({ keyid: Type.String(), sig: Type.String() }))),
        attestations: Type.Optional(Type.Object({ url: Type.String() })),
      }),
    }),
  ),
})

async function checkAttestations(
  plugin: Version,
  context: {
    registry: Registry
    url: string
    keys: readonly RegistryKey[]
    published: Date
    notes: string[]
    signal: AbortSignal
  },
): Promise<Provenance | undefined> {
  const { registry, url, keys, published, notes, signal } = context
  // From the registry that was chosen, whatever host its answer names: a mirror passes on what its source says.
  const { pathname } = new URL(url, 'https://registry.invalid')
  const answer = await registry.get(pathname)
  if (answer === undefined) {
    notes.push('it has attestations, but the registry does not hand them out')
    return undefined
  }
  const attestations = readAttestations(answer)
  signal.throwIfAborted()
  const verifier = await createVerifier({
    tufCachePath: registry.tufCache,
    // What npm fetched lately is good enough, until it expires.
    tufForceCache: true,
    keySelector: (keyid) => pemOf(keyFor(keyid, published, keys)),
  }).catch((error: unknown) => {
    notes.push(`its attestations cannot be checked, since sigstore's root of trust is not there: ${messageOf(error)}`)
  })
  if (!verifier) return undefined
  const found = attestations.map((attestation) => {
    const keyid = keyidOf(attestation)
    // The registry's own, that it published the package; without its keys it says nothing.
    if (keyid !== undefined && keys.length === 0) return undefined
    if (keyid !== undefined) keyFor(keyid, published, keys)
    return checkAttestation(attestation, plugin, verifier)
  })
  return found.find((provenance) => provenance !== undefined)
}
