/** Takes secrets out of what npm printed: its own settings, credentials in URLs, and tokens from the environment. */
export function maskSecrets(text: string, env: NodeJS.ProcessEnv = process.env): string {
  let masked = text
  for (const [name, value = ''] of Object.entries(env)) {
    // Short values would also hit innocent words.
    if (value.length >= 8 && /token|auth|passw|secret|credential/i.test(name)) masked = masked.replaceAll(value, '***')
  }
  return masked
    .replaceAll(/(_authToken|_auth|_password|_secret)(["']?\s*[=:]\s*["']?)[^\s"']+/gi, '$1$2***')
    .replaceAll(/\b(bearer|basic)\s+[\w.~+/=-]{6,}/gi, '$1 ***')
    .replaceAll(/\bnpm_[A-Za-z0-9]{20,}/g, '***')
    .replaceAll(/\/\/[^\s/@]+@/g, '//***@')
}
