import { createHmac, createSecretKey, randomBytes } from 'node:crypto'

/**
 * Tells credentials apart without keeping them: the same Secret has the same fingerprint for as long as this process
 * lives. The key is random and never leaves it, so nobody can try guesses of a Secret against a fingerprint.
 *
 * @returns `undefined` where there is nothing to tell apart: no Secret, or one without values.
 */
export function credentialFingerprint(secret: Readonly<Record<string, Uint8Array>> | undefined): string | undefined {
  // User data are for the VM, not for the cloud, and they differ from machine to machine: each has its own bootstrap token.
  const keys = Object.keys(secret ?? {}).filter((key) => key !== 'userData')
  if (!secret || keys.length === 0) return undefined
  const hmac = createHmac('sha256', processKey)
  for (const key of keys.sort()) {
    const value = secret[key] ?? empty
    // With lengths, so that no two Secrets give the same bytes.
    hmac.update(`${key.length}:${key}${value.length}:`).update(value)
  }
  return hmac.digest('base64url')
}

const processKey = createSecretKey(randomBytes(32))
const empty = new Uint8Array()
