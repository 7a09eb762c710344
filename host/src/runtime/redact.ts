/**
 * Blacks out the values of a Secret in a text. Plugins should never print them; this is for the day when an SDK of a
 * cloud puts a token into an error text.
 *
 * A value is found as it is and in base64. Values of fewer than six characters are left alone: they would black out
 * innocent text, and nobody can find them there.
 */
export function redact(text: string, secret: Readonly<Record<string, Uint8Array>> | undefined): string {
  if (!secret) return text
  let redacted = text
  for (const [key, bytes] of Object.entries(secret)) {
    if (bytes.length < 6) continue
    const value = Buffer.from(bytes)
    for (const form of new Set([value.toString('utf8'), value.toString('utf8').trim(), value.toString('base64')])) {
      if (form.length >= 6) redacted = redacted.replaceAll(form, `[redacted: ${key}]`)
    }
  }
  return redacted
}
