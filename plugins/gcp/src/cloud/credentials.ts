import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { auth } from '@googleapis/compute'
import { MachineError } from '@mcm/sdk'
import { jwtType, type Login } from './login.ts'
import { endpoints } from './settings.ts'

/** What gets and renews the access tokens of a login. It asks only the servers named here. */
export function authClientOf(login: Exclude<Login, { kind: 'unusable' }>) {
  const { token, sts, iamCredentials } = endpoints()
  // A login serves others too, so it does not end with one call; but it ends.
  const transporterOptions = { timeout: loginMs, retry: false }
  if (login.kind === 'external-account') {
    const { audience, impersonationUrl } = login
    return new auth.IdentityPoolClient({
      type: 'external_account',
      audience,
      subject_token_type: jwtType,
      token_url: new URL('v1/token', sts).href,
      subject_token_supplier: { getSubjectToken: readToken },
      ...(impersonationUrl !== '' && {
        service_account_impersonation_url: new URL(new URL(impersonationUrl).pathname, iamCredentials).href,
      }),
      scopes: [scope],
      transporterOptions,
    })
  }
  const jwt = new auth.JWT({
    email: login.email,
    key: login.privateKey,
    ...(login.keyId && { keyId: login.keyId }),
    scopes: [scope],
    additionalClaims: { aud: token },
    transporterOptions,
  })
  // The library knows Google's address only. Compute's requests go through here, too.
  jwt.transporter.interceptors.request.add({
    resolved: async (request) =>
      request.url.href === googleTokenUrl ? Object.assign(request, { url: new URL(token) }) : request,
  })
  return jwt
}

/** Has a client get another access token before its next request. */
export function forgetToken(client: ReturnType<typeof authClientOf>): void {
  // The library takes a token for expired by its date only, and a key for able to get another by this placeholder.
  client.setCredentials({ refresh_token: 'jwt-placeholder', expiry_date: 1 })
}

/** The token as it is now: whoever mounts the file renews it. */
async function readToken(): Promise<string> {
  const { tokenFile } = endpoints()
  try {
    return (await readFile(tokenFile, 'utf8')).trim()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error'
    // The folder, since the file is replaced when it is renewed.
    const folder = dirname(tokenFile)
    const what = `cannot read the workload identity token in ${folder} (${code})`
    const message =
      code === 'ERR_ACCESS_DENIED'
        ? `${what}: its operator has to grant it in the configuration of the host, as pluginPolicy: {grant: {"@mcm/plugin-gcp": {files: ["read:${folder}"]}}}`
        : `${what}; is it mounted where the host runs?`
    throw new MachineError('Unauthenticated', message, { cause, source: 'host' })
  }
}

const googleTokenUrl = 'https://oauth2.googleapis.com/token'
const scope = 'https://www.googleapis.com/auth/cloud-platform'
const loginMs = 20_000
