import { credentialKeys, type Secret } from '../secret-keys.ts'
import { endpoints } from './settings.ts'

/** How to log in: what the Secret says, and nothing else. */
export type Login =
  | { kind: 'service-account'; project: string; email: string; privateKey: string; keyId: string }
  | { kind: 'external-account'; project: string; audience: string; impersonationUrl: string }
  /** In words for people, without a value of the Secret. */
  | { kind: 'unusable'; problem: string }

/**
 * Reads the login from a Secret. The lists of what is allowed are upstream's, and stricter where upstream has a gap: who
 * writes the Secret may be another than who runs the host, and must not have it call other servers, or send them files.
 */
export function loginOf(secret: Secret): Login {
  const key = credentialKeys.find((one) => secret.has(one))
  if (!key) {
    return unusable('secret serviceAccountJSON, serviceaccount.json or credentialsConfig is required field')
  }
  const from = `could not get service account from "${key}" field`
  const config = parseObject(secret.text(key))
  if (!config) return unusable(`${from}: failed to unmarshal json object: it is no JSON object`)
  const { type = '', project_id: project = '' } = config
  if (typeof project !== 'string') return unusable(`${from}: project_id is no text`)
  switch (type) {
    case 'service_account':
      return serviceAccount(config, project, from)
    case 'external_account':
      return externalAccount(config, project || secret.text('projectID'))
    default: {
      const allowed = 'Only "service_account" or "external_account" is allowed'
      return unusable(`forbidden credential type "${isShort(type) ? type : '…'}" used. ${allowed}`)
    }
  }
}

function serviceAccount(config: Record<string, unknown>, project: string, from: string): Login {
  // Upstream's order: what is forbidden shows before what is missing.
  if (Object.values(config).some((value) => typeof value !== 'string')) {
    return unusable(`${from}: failed to unmarshal: a member is no text`)
  }
  if (Object.keys(config).some((name) => !serviceAccountFields.includes(name))) {
    return unusable(`forbidden fields are present. Allowed fields are ${serviceAccountFields.join(', ')}`)
  }
  if (project === '') return unusable(`${from}: no project id specified`)
  if (!isProject(project)) return unusable(notAProject)
  // Checked above.
  const {
    client_email = '',
    private_key = '',
    private_key_id = '',
    token_uri,
    universe_domain,
  } = config as Record<string, string>
  if (token_uri && token_uri !== endpoints().token && !googleTokenUris.includes(token_uri)) {
    return unusable(`invalid token_uri: should equal ${googleTokenUris[0]}`)
  }
  if (universe_domain && universe_domain !== googleUniverse) return unusable(otherUniverse)
  if (client_email === '') return unusable(`${from}: client_email is missing`)
  if (private_key === '') return unusable(`${from}: private_key is missing`)
  return { kind: 'service-account', project, email: client_email, privateKey: private_key, keyId: private_key_id }
}

function externalAccount(config: Record<string, unknown>, project: string): Login {
  const { token_url, subject_token_type, credential_source, service_account_impersonation_url: url = '' } = config
  const wrong = (what: string) => unusable(`invalid credentials config: ${what}`)
  if (trimmed(token_url) !== stsUrl) return wrong(`invalid token_url: should equal ${stsUrl}`)
  if (typeof url !== 'string' || (url !== '' && !impersonationUrl.test(url))) {
    return wrong(`invalid service_account_impersonation_url: should match reg expression ${impersonationPattern}`)
  }
  if (trimmed(subject_token_type) !== jwtType) return wrong(`invalid subject_token_type: should equal ${jwtType}`)
  const file = isObject(credential_source) ? credential_source.file : undefined
  const others = isObject(credential_source)
    ? Object.keys(credential_source).filter((name) => name !== 'file' && name !== 'format')
    : []
  if (file !== tokenFile) return wrong(`invalid credential_source: should equal ${tokenFile}`)
  // Such as `url` and `executable`: nothing else is ever read or run, and nobody should believe so.
  if (others.length > 0) return wrong('invalid credential_source: only file is allowed')
  const { audience, universe_domain = googleUniverse } = config
  if (typeof audience !== 'string' || audience === '') {
    return unusable('oauth2/google/externalaccount: Audience must be set')
  }
  if (universe_domain !== googleUniverse) return unusable(otherUniverse)
  const id = project.trim()
  if (id === '') return unusable('no project: neither project_id of credentialsConfig nor projectID is there')
  if (!isProject(id)) return unusable(notAProject)
  return { kind: 'external-account', project: id, audience, impersonationUrl: url }
}

function unusable(problem: string): Login {
  return { kind: 'unusable', problem }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function trimmed(value: unknown): unknown {
  return typeof value === 'string' ? value.trim() : value
}

/** It becomes part of paths and of the providerID. A domain may stand before it. */
function isProject(text: string): boolean {
  return /^([a-z0-9.-]+:)?[a-z0-9-]+$/.test(text)
}

/** A type is no secret, unless somebody has put one in its place. */
function isShort(value: unknown): boolean {
  return typeof value === 'string' && /^[a-z_]{0,40}$/.test(value)
}

/** Where workload identity puts its token. The host may have it elsewhere: see {@link endpoints}. */
export const tokenFile = '/var/run/secrets/gardener.cloud/workload-identity/token'
/** Type of the token there. */
export const jwtType = 'urn:ietf:params:oauth:token-type:jwt'
const stsUrl = 'https://sts.googleapis.com/v1/token'
const impersonationPattern = String.raw`^https://iamcredentials\.googleapis\.com/v1/projects/-/serviceAccounts/.+:generateAccessToken$`
// Stricter than what upstream says: the name of one account, and no path that leads elsewhere.
const impersonationUrl = new RegExp(impersonationPattern.replace('.+', '[^/?#]+'))
const googleUniverse = 'googleapis.com'
const otherUniverse = `invalid universe_domain: should equal ${googleUniverse}`
const notAProject = 'invalid project id: it has other characters than a-z, 0-9 and -'
// The second and third are of older keys; all are one service.
const googleTokenUris = [
  'https://oauth2.googleapis.com/token',
  'https://accounts.google.com/o/oauth2/token',
  'https://www.googleapis.com/oauth2/v4/token',
]
const serviceAccountFields = [
  'auth_provider_x509_cert_url',
  'auth_uri',
  'client_email',
  'client_id',
  'client_x509_cert_url',
  'private_key',
  'private_key_id',
  'project_id',
  'token_uri',
  'type',
  'universe_domain',
]
