import type { Violation } from '@mcm/sdk'
import { required } from '@mcm/sdk/go'
import type { Secret } from '../secret-keys.ts'

/** What is missing of the credentials. A key of blanks counts as missing: nothing else must take its place. */
export function checkCredentials(secret: Secret): Violation[] {
  const violations: Violation[] = []
  if (secret.has('workloadIdentityTokenFile')) {
    if (secret.text('workloadIdentityTokenFile') === '') {
      violations.push(required('secretRef.workloadIdentityTokenFile', 'Workload identity token file is required'))
    }
    if (secret.text('roleARN') === '') {
      violations.push(required('secretRef.roleARN', 'Role ARN is required when workload identity is used'))
    }
    return violations
  }
  const keys = [
    [
      'secretRef.AWSAccessKeyID',
      secret.text('providerAccessKeyId'),
      'Mention atleast providerAccessKeyId or accessKeyID',
    ],
    [
      'secretRef.AWSSecretAccessKey',
      secret.text('providerSecretAccessKey'),
      'Mention atleast providerSecretAccessKey or secretAccessKey',
    ],
  ] as const
  for (const [path, text, detail] of keys) {
    if (text === '') violations.push(required(path, detail))
    // It becomes part of a header. Beyond upstream; its value is not repeated.
    else if (!/^[\x21-\x7e]+$/.test(text)) violations.push({ path, message: 'Invalid value: is not plain text' })
  }
  return violations
}

/** What is wrong with the user data. */
export function checkUserData(secret: Secret): Violation[] {
  const { length = 0 } = secret.bytes('userData') ?? {}
  if (length === 0) return [required('secretRef.userData', 'Mention userData')]
  // Beyond upstream: EC2's limit, before encoding.
  if (length <= maxUserDataBytes) return []
  const message = `Too long: EC2 takes ${maxUserDataBytes} bytes, these are ${length}`
  return [{ path: 'secretRef.userData', message }]
}

const maxUserDataBytes = 16 * 1024
