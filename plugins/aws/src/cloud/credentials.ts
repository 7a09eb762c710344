import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AssumeRoleWithWebIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { MachineError } from '@mcm/sdk'
import type { Secret } from '../secret-keys.ts'
import { repeat } from './repeat.ts'
import { keepRequestIds } from './request-id.ts'
import { clientSettings } from './settings.ts'

/** How to log in: what the Secret says, and nothing else. */
export type Login =
  | { kind: 'static'; accessKeyId: string; secretAccessKey: string }
  | { kind: 'web-identity'; tokenFile: string; roleArn: string }

/** Reads the login from a Secret that `validate` has checked. */
export function loginOf(secret: Secret): Login {
  if (secret.has('workloadIdentityTokenFile')) {
    return {
      kind: 'web-identity',
      tokenFile: secret.text('workloadIdentityTokenFile'),
      roleArn: secret.text('roleARN'),
    }
  }
  return {
    kind: 'static',
    accessKeyId: secret.text('providerAccessKeyId'),
    secretAccessKey: secret.text('providerSecretAccessKey'),
  }
}

/** What the SDK's client asks for credentials; it asks again shortly before they expire. */
export function credentialsOf(login: Login, region: string) {
  if (login.kind === 'static') {
    const { accessKeyId, secretAccessKey } = login
    return { accessKeyId, secretAccessKey }
  }
  return async () => await assumeRole(login, region)
}

async function assumeRole({ tokenFile, roleArn }: Login & { kind: 'web-identity' }, region: string) {
  const token = await readToken(tokenFile)
  const sts = keepRequestIds(new STSClient({ ...clientSettings('STS', region), credentials: noCredentials }))
  // Others may wait for the same login, so it does not end with one call.
  const signal = AbortSignal.timeout(loginMs)
  try {
    const { Credentials: found } = await repeat('sts.AssumeRoleWithWebIdentity', signal, async () => {
      const input = { RoleArn: roleArn, RoleSessionName: `mcm-${Date.now()}`, WebIdentityToken: token }
      return await sts.send(new AssumeRoleWithWebIdentityCommand(input), { abortSignal: signal })
    })
    if (!found?.AccessKeyId || !found.SecretAccessKey || !found.SessionToken) {
      throw new MachineError('Internal', 'sts AssumeRoleWithWebIdentity: the answer has no credentials', {
        source: 'cloud',
      })
    }
    return {
      accessKeyId: found.AccessKeyId,
      secretAccessKey: found.SecretAccessKey,
      sessionToken: found.SessionToken,
      ...(found.Expiration && { expiration: found.Expiration }),
    }
  } finally {
    sts.destroy()
  }
}

/** The token as it is now: whoever mounts the file renews it. Trimmed, since a line end makes the token invalid. */
async function readToken(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error'
    // Not the file: its path comes from the Secret. The folder, since the file is replaced when it is renewed.
    const folder = dirname(path)
    const what = `cannot read the web identity token in ${folder} (${code})`
    const message =
      code === 'ERR_ACCESS_DENIED'
        ? `${what}: its operator has to grant it in the configuration of the host, as pluginPolicy: {grant: {"@mcm/plugin-aws": {files: ["read:${folder}"]}}}`
        : `${what}; is it mounted where the host runs?`
    throw new MachineError('Unauthenticated', message, { cause, source: 'host' })
  }
}

// The call is unsigned; without this, the library would look for credentials of the machine.
const noCredentials = { accessKeyId: '', secretAccessKey: '' }
const loginMs = 20_000
