import { hash, randomBytes } from 'node:crypto'

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
  const parts: Uint8Array[] = [processKey]
  for (const key of keys.sort()) {
    const value = secret[key] ?? new Uint8Array()
    // With lengths, so that no two Secrets give the same bytes.
    parts.push(Buffer.from(`${key.length}:${key}${value.length}:`), value)
  }
  // The key before the rest is enough, since nobody gets a fingerprint that could be extended; an object for an HMAC
  // costs each call several times as much.
  return hash('sha256', Buffer.concat(parts), 'base64url')
}

const processKey = randomBytes(32)
