import { secretReader } from '@mcm/sdk'
import { describe, expect, it } from 'vitest'
import { secretKeys } from '../secret-keys.ts'
import { loginOf } from './login.ts'

const read = (values: Record<string, string | object>) => {
  const data = Object.entries(values).map(([key, value]) => {
    return [key, Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))] as const
  })
  return loginOf(secretReader(secretKeys, Object.fromEntries(data)))
}
const key = {
  type: 'service_account',
  project_id: 'p',
  private_key: 'SECRET',
  private_key_id: 'id',
  client_email: 'm@p.iam.gserviceaccount.com',
}
const identity = {
  type: 'external_account',
  project_id: 'p',
  audience: '//iam.googleapis.com/pool',
  subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  token_url: 'https://sts.googleapis.com/v1/token',
  // Gardener writes the format, too.
  credential_source: {
    file: '/var/run/secrets/gardener.cloud/workload-identity/token',
    format: { type: 'text' },
  },
}
const serviceAccount = {
  kind: 'service-account',
  project: 'p',
  email: 'm@p.iam.gserviceaccount.com',
  privateKey: 'SECRET',
  keyId: 'id',
}

describe('the first key that is there counts', () => {
  it.each([
    ['serviceAccountJSON before the others', { credentialsConfig: identity, serviceAccountJSON: key }],
    ['serviceaccount.json before credentialsConfig', { credentialsConfig: identity, 'serviceaccount.json': key }],
    ['a service account in credentialsConfig', { credentialsConfig: key }],
  ])('%s', (_, values) => {
    expect(read(values)).toEqual(serviceAccount)
  })

  it('even an empty one', () => {
    expect(read({ serviceAccountJSON: '', credentialsConfig: key })).toMatchObject({ kind: 'unusable' })
  })
})

it.each(['https://oauth2.googleapis.com/token', 'https://accounts.google.com/o/oauth2/token'])(
  'takes the token address %s',
  (token_uri) => {
    expect(read({ serviceAccountJSON: { ...key, token_uri } })).toEqual(serviceAccount)
  },
)

it('reads a workload identity, whose project may be in the Secret', () => {
  const { project_id: _, ...others } = identity
  const impersonate = 'https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/a@b:generateAccessToken'
  const config = { ...others, service_account_impersonation_url: impersonate }
  expect(read({ credentialsConfig: config, projectID: 'own\n' })).toEqual({
    kind: 'external-account',
    project: 'own',
    audience: '//iam.googleapis.com/pool',
    impersonationUrl: impersonate,
  })
})

// Each would have somebody else get a token, a file, or a request from within the operator's network.
describe('refuses what a hostile Secret may say, and does not repeat it', () => {
  const hostile = 'http://169.254.169.254/SECRET'
  it.each([
    ['a token address', { ...key, token_uri: hostile }, /^invalid token_uri: should equal https:\/\/oauth2/],
    ['another universe', { ...key, universe_domain: 'evil.example' }, /^invalid universe_domain/],
    ['another field', { ...key, SECRET: '1' }, /^forbidden fields are present\. Allowed fields are auth_provider/],
    ['a member that is no text', { ...key, client_id: { SECRET: 1 } }, /a member is no text$/],
    ['a project that is a path', { ...key, project_id: '../../SECRET' }, /^invalid project id/],
    ['an STS address', { ...identity, token_url: hostile }, /^invalid credentials config: invalid token_url/],
    [
      'an STS address in other words',
      { ...identity, token_url: 'https://sts.googleapis.com/v1/token/../x' },
      /token_url/,
    ],
    [
      'an impersonation address',
      { ...identity, service_account_impersonation_url: `${hostile}:generateAccessToken` },
      /invalid service_account_impersonation_url/,
    ],
    [
      'an impersonation address that leads elsewhere',
      {
        ...identity,
        service_account_impersonation_url:
          'https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/../../SECRET/compute/v1/x:generateAccessToken',
      },
      /invalid service_account_impersonation_url/,
    ],
    ['another type of token', { ...identity, subject_token_type: 'SECRET' }, /invalid subject_token_type/],
    ['another file', { ...identity, credential_source: { file: '/etc/SECRET' } }, /invalid credential_source: should/],
    [
      'a program',
      { ...identity, credential_source: { executable: { command: 'SECRET' } } },
      /invalid credential_source/,
    ],
    [
      'a program beside the file',
      { ...identity, credential_source: { ...identity.credential_source, executable: { command: 'SECRET' } } },
      /invalid credential_source: only file/,
    ],
    ['a URL', { ...identity, credential_source: { url: hostile } }, /invalid credential_source/],
    ['another universe of an identity', { ...identity, universe_domain: 'evil.example' }, /^invalid universe_domain/],
    ['another type', { ...key, type: 'authorized_user' }, /^forbidden credential type "authorized_user" used/],
    ['a type that is a secret', { ...key, type: 'SECRET' }, /^forbidden credential type "…" used/],
  ])('%s', (_, config, problem) => {
    const login = read({ credentialsConfig: config })
    expect(login).toEqual({ kind: 'unusable', problem: expect.stringMatching(problem) })
    expect(JSON.stringify(login)).not.toMatch(/SECRET|evil|169/)
  })
})
