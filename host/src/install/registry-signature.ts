import { verify } from 'node:crypto'
import { type Static, Type } from '@mcm/sdk'
import { InstallError } from './install-error.ts'
import { isShape } from './is-shape.ts'

/** A public key of a registry. */
export type RegistryKey = Static<typeof keySchema>

const keySchema = Type.Object({
  keyid: Type.String(),
  // The DER of the key, in base64.
  key: Type.String(),
  expires: Type.Optional(Type.Union([Type.String(), Type.Null()])),
})

const keysSchema = Type.Object({ keys: Type.Array(keySchema) })

/** The keys in a registry's answer; none where it has none. */
export function readKeys(answer: unknown): RegistryKey[] {
  if (answer === undefined) return []
  if (!isShape(keysSchema, answer))
    throw new InstallError('the registry answers with keys that mcm does not understand')
  return answer.keys
}

/** A key as node and sigstore want it. */
export function pemOf({ key }: RegistryKey): string {
  return `-----BEGIN PUBLIC KEY-----\n${key}\n-----END PUBLIC KEY-----`
}

/** The key that made a signature at some time. Fails where the registry does not vouch for it. */
export function keyFor(keyid: string, made: Date, keys: readonly RegistryKey[]): RegistryKey {
  const key = keys.find((candidate) => candidate.keyid === keyid)
  if (!key) throw new InstallError(`is signed with the key ${keyid}, which the registry does not know`)
  // A time that nobody told is a time after the key has expired.
  if (typeof key.expires === 'string' && !(made < new Date(key.expires))) {
    throw new InstallError(`is signed with the key ${keyid}, which expired on ${key.expires}`)
  }
  return key
}

/** A signature of a registry over a package's name, version and integrity. */
export interface RegistrySignature {
  keyid: string
  sig: string
}

/** Checks the registry's signatures of one version. Fails where any is wrong: none is better than a wrong one. */
export function checkSignatures(
  signatures: readonly RegistrySignature[],
  { name, version, integrity, published }: { name: string; version: string; integrity: string; published: Date },
  keys: readonly RegistryKey[],
): void {
  const signed = Buffer.from(`${name}@${version}:${integrity}`)
  for (const { keyid, sig } of signatures) {
    const key = pemOf(keyFor(keyid, published, keys))
    if (!isSigned(signed, key, sig)) throw new InstallError(`has a wrong registry signature (key ${keyid})`)
  }
}

function isSigned(signed: Buffer, key: string, sig: string): boolean {
  try {
    return verify('sha256', signed, key, Buffer.from(sig, 'base64'))
  } catch {
    // A key that is none signs nothing.
    return false
  }
}
