import { createSign, generateKeyPairSync, type KeyObject, randomBytes, verify } from 'node:crypto'
import type { Received } from '../fake-cloud/fake-server.ts'
import { ApiError } from './api-error.ts'

/** A request for a token: what it is called here, what it says, and what answers it. */
export interface TokenRequest {
  action: 'token' | 'sts' | 'impersonate'
  params: Record<string, string>
  run(): object
}

/** A service account. */
interface Account {
  project: string
  publicKey: KeyObject
}

/** The keys of the trusted issuer: making some takes longer than a test. */
const issuer = generateKeyPairSync('rsa', { modulusLength: 2048 })

const grant = 'urn:ietf:params:oauth:grant-type'
const tokenType = 'urn:ietf:params:oauth:token-type'

/**
 * Gives access tokens as Google does: for a signed assertion of a service account, for a token of a trusted issuer, and
 * for a service account that the caller may impersonate. Signatures are verified.
 */
export class TokenServer {
  readonly #accounts = new Map<string, Account>()
  readonly #tokens = new Map<string, { user: string; project: string; expiresMs: number }>()
  /** The workload identity pool's name for a provider of identities. */
  readonly audience = '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/gardener'
  /** What the trusted issuer's tokens are for. */
  readonly #subject = 'system:serviceaccount:garden:worker'
  /** The project that callers with a foreign token belong to. */
  readonly #project: string
  readonly url: () => string

  constructor(url: () => string, project: string) {
    this.url = url
    this.#project = project
  }

  /** What a request to one of the token services asks for; undefined where it is for none of them. */
  find({ method, url, body, headers: { authorization } }: Received): TokenRequest | undefined {
    if (method !== 'POST') return undefined
    const params = Object.fromEntries(new URLSearchParams(body))
    if (url.pathname === '/token') return { action: 'token', params, run: () => this.#exchangeAssertion(params) }
    if (url.pathname === '/v1/token') return { action: 'sts', params, run: () => this.#exchangeToken(params) }
    const [, account] = /^\/v1\/projects\/-\/serviceAccounts\/([^/]+):generateAccessToken$/.exec(url.pathname) ?? []
    if (account === undefined) return undefined
    const email = decodeURIComponent(account)
    return { action: 'impersonate', params: { email }, run: () => this.#impersonate(email, authorization) }
  }

  /** A new service account with a key, as the JSON file that Google lets one download. */
  serviceAccountKey(project: string, name = 'machines'): Record<string, string> {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const email = `${name}@${project}.iam.gserviceaccount.com`
    this.#accounts.set(email, { project, publicKey })
    return {
      type: 'service_account',
      project_id: project,
      private_key_id: publicKey.export({ type: 'spki', format: 'der' }).toString('hex').slice(-40),
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      client_email: email,
      client_id: '100000000000000000001',
      auth_uri: 'https://accounts.google.com/o/oauth2/auth',
      token_uri: `${this.url()}/token`,
    }
  }

  /** A token of the trusted issuer, as Kubernetes puts it into a file. */
  subjectToken(expiresInSeconds = 600): string {
    const now = Math.floor(Date.now() / 1000)
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const claims = {
      iss: 'https://issuer.example',
      sub: this.#subject,
      aud: [this.audience],
      iat: now,
      exp: now + expiresInSeconds,
    }
    const signed = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}`
    return `${signed}.${createSign('RSA-SHA256').update(signed).sign(issuer.privateKey, 'base64url')}`
  }

  /** An access token for whom a test wants. */
  issue(user: string, project: string, lifetimeSeconds = 3599): string {
    const token = `ya29.${randomBytes(24).toString('base64url')}`
    this.#tokens.set(token, { user, project, expiresMs: Date.now() + lifetimeSeconds * 1000 })
    return token
  }

  /** No token is good any more. */
  revokeAll(): void {
    this.#tokens.clear()
  }

  /** Who calls: by a token from here, or by one that a service account has signed itself. */
  callerOf(authorization: string | undefined): { user: string; project: string } {
    const bearer = /^Bearer (.+)$/.exec(authorization ?? '')?.[1] ?? ''
    const token = this.#tokens.get(bearer)
    if (token && token.expiresMs > Date.now()) return token
    if (bearer.split('.').length === 3) return this.#signer(bearer)
    throw authorization === undefined
      ? new ApiError(401, 'required', 'Login Required.')
      : new ApiError(401, 'authError', 'Request had invalid authentication credentials.')
  }

  /** The OAuth grant of a service account. */
  #exchangeAssertion(form: Record<string, string>): object {
    expectForm(form, { grant_type: `${grant}:jwt-bearer` })
    const { user, project, audience } = this.#signer(form.assertion)
    // Google's own libraries always name Google's address.
    const audiences: unknown[] = [`${this.url()}/token`, 'https://oauth2.googleapis.com/token']
    if (!audiences.includes(audience)) throw new OAuthError('invalid_grant', 'Invalid JWT: wrong audience.')
    return { access_token: this.issue(user, project), expires_in: 3599, token_type: 'Bearer' }
  }

  /** The service account that signed a token which is to open Compute. */
  #signer(token: string | undefined): { user: string; project: string; audience: unknown } {
    const { claims, isSignedBy } = readToken(token)
    const user = String(claims.iss)
    const account = this.#accounts.get(user)
    if (!account) throw new OAuthError('invalid_grant', 'Invalid grant: account not found')
    if (!isSignedBy(account.publicKey)) throw new OAuthError('invalid_grant', 'Invalid JWT Signature.')
    expectFresh(claims)
    const scopes = String(claims.scope).split(' ')
    if (!scopes.some((scope) => /\/auth\/(cloud-platform|compute)$/.test(scope))) {
      throw new OAuthError('invalid_scope', 'Invalid OAuth scope or ID token audience provided.')
    }
    return { user, project: account.project, audience: claims.aud }
  }

  /** The security token service's exchange of a foreign token. */
  #exchangeToken(form: Record<string, string>): object {
    expectForm(form, {
      grant_type: `${grant}:token-exchange`,
      audience: this.audience,
      requested_token_type: `${tokenType}:access_token`,
      subject_token_type: `${tokenType}:jwt`,
    })
    const { claims, isSignedBy } = readToken(form.subject_token)
    if (!isSignedBy(issuer.publicKey)) throw new OAuthError('invalid_grant', 'Error verifying the subject token.')
    expectFresh(claims)
    const user = `principal:${this.audience}/subject/${claims.sub}`
    return {
      access_token: this.issue(user, this.#project),
      issued_token_type: `${tokenType}:access_token`,
      token_type: 'Bearer',
      expires_in: 3599,
    }
  }

  /** A token of a service account, for one who may act as it. */
  #impersonate(email: string, authorization: string | undefined): object {
    this.callerOf(authorization)
    const account = this.#accounts.get(email)
    if (!account) throw new ApiError(404, 'notFound', 'Not found; Gaia id not found for email')
    return {
      accessToken: this.issue(email, account.project),
      expireTime: new Date(Date.now() + 3_599_000).toISOString().replace(/\.\d+/, ''),
    }
  }
}

/** A refusal of a token endpoint, in OAuth's form. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError'
  readonly code: string

  constructor(code: string, description: string) {
    super(description)
    this.code = code
  }
}

function expectForm(form: Record<string, string>, wanted: Record<string, string>): void {
  for (const [name, value] of Object.entries(wanted)) {
    if (form[name] !== value) throw new OAuthError('invalid_request', `Invalid value for "${name}"`)
  }
}

function expectFresh({ iat, exp }: Record<string, unknown>): void {
  const now = Date.now() / 1000
  if (Number(exp) > now && Number(iat) < now + 60 && Number(exp) - Number(iat) <= 3600) return
  throw new OAuthError('invalid_grant', 'Invalid JWT: Token must be a short-lived token (60 minutes).')
}

function readToken(token = ''): { claims: Record<string, unknown>; isSignedBy(key: KeyObject): boolean } {
  const [header = '', claims = '', signature = ''] = token.split('.')
  try {
    const { alg } = JSON.parse(Buffer.from(header, 'base64url').toString())
    return {
      claims: JSON.parse(Buffer.from(claims, 'base64url').toString()),
      isSignedBy: (key) => {
        const signed = Buffer.from(`${header}.${claims}`)
        return alg === 'RS256' && verify('RSA-SHA256', signed, key, Buffer.from(signature, 'base64url'))
      },
    }
  } catch {
    throw new OAuthError('invalid_grant', 'Invalid JWT.')
  }
}
