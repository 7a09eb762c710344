import type { SecretKeys, SecretReader } from '@mcm/sdk'

/**
 * The keys of the Secret. None is required here: which ones are depends on each other, and `validate` says it in
 * upstream's words.
 */
export const secretKeys = {
  userData: { required: false, description: 'Start-up script or cloud-config of the VM.' },
  serviceAccountJSON: {
    required: false,
    description: 'Key of a service account, as JSON. The first of the three credentials that is there is used.',
  },
  'serviceaccount.json': { required: false, description: 'The same, under the name that cloud providers use.' },
  credentialsConfig: {
    required: false,
    description: 'Configuration of a workload identity (`external_account`), or the key of a service account.',
  },
  projectID: {
    required: false,
    description: 'Project, for a workload identity whose configuration names none.',
  },
} as const satisfies SecretKeys

/** Reads the Secret of a call. */
export type Secret = SecretReader<keyof typeof secretKeys>

/** The key of the metadata under which an image looks for these user data. */
export function userDataKeyOf(secret: Secret): 'user-data' | 'startup-script' {
  return secret.text('userData').startsWith('#cloud-config') ? 'user-data' : 'startup-script'
}

/** The keys that hold credentials; the first one that is there counts, even an empty one. */
export const credentialKeys = ['serviceAccountJSON', 'serviceaccount.json', 'credentialsConfig'] as const
