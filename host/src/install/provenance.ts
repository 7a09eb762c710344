import { type Static, Type } from '@mcm/sdk'
import { ASN1Obj } from '@sigstore/core'
import type { Bundle, BundleVerifier } from 'sigstore'
import { InstallError, messageOf } from './install-error.ts'
import { isShape } from './is-shape.ts'

/** Where a package was built, as a certificate of sigstore says: not the package, not its registry. */
export interface Provenance {
  /** URL of the repository. */
  repository: string
  /** The workflow that built it, as a path in that repository and the ref that it ran for. */
  workflow: string
  commit: string
}

type Signer = ReturnType<BundleVerifier['verify']>

/** What a registry has to say of where a package comes from. */
export type Attestation = Static<typeof attestationSchema>

const attestationSchema = Type.Object({
  bundle: Type.Object(
    {
      mediaType: Type.String(),
      dsseEnvelope: Type.Object({
        payload: Type.String(),
        signatures: Type.Array(Type.Object({ keyid: Type.Optional(Type.String()) }), { minItems: 1, maxItems: 1 }),
      }),
      verificationMaterial: Type.Object({}),
    },
    // Or it could hold something else beside the envelope that we read, and be checked for that.
    { additionalProperties: false },
  ),
})

const attestationsSchema = Type.Object({ attestations: Type.Array(attestationSchema) })

const statementSchema = Type.Object({
  subject: Type.Array(Type.Object({ name: Type.String(), digest: Type.Object({ sha512: Type.String() }) }), {
    minItems: 1,
    maxItems: 1,
  }),
  predicateType: Type.String(),
})

/** The attestations in a registry's answer. */
export function readAttestations(answer: unknown): Attestation[] {
  if (isShape(attestationsSchema, answer)) return answer.attestations
  throw new InstallError('has attestations that mcm does not understand')
}

/** The key of the registry that made an attestation; `undefined` for one that a build made, with a certificate. */
export function keyidOf({ bundle }: Attestation): string | undefined {
  // Sigstore writes an empty one for a certificate.
  return bundle.dsseEnvelope.signatures[0]?.keyid || undefined
}

/**
 * Checks that an attestation is genuine, and that it is about this very package.
 *
 * @returns Where it was built, if that is what the attestation is about.
 */
export function checkAttestation(
  { bundle }: Attestation,
  { name, version, integrity }: { name: string; version: string; integrity: string },
  verifier: BundleVerifier,
): Provenance | undefined {
  let signer: Signer
  try {
    // The library checks the rest of its shape.
    signer = verifier.verify(bundle as unknown as Bundle)
  } catch (error) {
    throw new InstallError(`has a wrong attestation: ${messageOf(error)}`)
  }
  const statement: unknown = JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString())
  if (!isShape(statementSchema, statement)) {
    throw new InstallError('has an attestation whose statement mcm does not understand')
  }
  const { subject, predicateType } = statement
  const about = `pkg:npm/${name.replace('@', '%40')}@${version}`
  const sha512 = Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex')
  for (const { name: claimed, digest } of subject) {
    if (claimed === about && digest.sha512 === sha512) continue
    throw new InstallError(`has an attestation of something else: ${claimed}, sha512 ${digest.sha512.slice(0, 16)}…`)
  }
  return /^https:\/\/slsa\.dev\/provenance\//.test(predicateType) ? provenanceOf(signer) : undefined
}

/** Reads where a build ran from its certificate. @returns `undefined` for build services that we do not know. */
function provenanceOf({ identity }: Signer): Provenance | undefined {
  const read = (field: number) => {
    const found = identity?.oids?.find(({ oid }) => oid?.id.join('.') === `${fulcio}.${field}`)
    return found ? ASN1Obj.parseBuffer(Buffer.from(found.value)).value.toString() : ''
  }
  const [builder = '', repository = '', commit = ''] = [9, 12, 13].map(read)
  const home = buildServices.get(identity?.extensions?.issuer ?? '')
  // Without the second, any build service could speak for the repositories of any other.
  if (home === undefined || !repository.startsWith(home) || commit === '') return undefined
  return { repository, workflow: builder.replace(repository, '').replace(/^\/+/, ''), commit }
}

// Fulcio's extensions to a certificate: 9 the workflow, 12 its repository, 13 the commit.
const fulcio = '1.3.6.1.4.1.57264.1'

/** Who may issue identities for the repositories of which site: those with which npm's provenance works. */
const buildServices: ReadonlyMap<string, string> = new Map([
  ['https://token.actions.githubusercontent.com', 'https://github.com/'],
  ['https://gitlab.com', 'https://gitlab.com/'],
])
