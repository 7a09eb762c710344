import type { SecretKeys, SecretReader } from '@mcm/sdk'

/**
 * The keys of the Secret, of both generations. None is required here: which ones are depends on each other, and
 * `validate` says it in upstream's words.
 */
export const secretKeys = {
  userData: { required: false, description: 'Start-up script or cloud-config of the VM, at most 16 KiB.' },
  providerAccessKeyId: {
    required: false,
    // The last is how upstream's sample spells it.
    aliases: ['accessKeyID', 'accessKeyId'],
    description: 'Access key id. Needed unless workloadIdentityTokenFile is there.',
  },
  providerSecretAccessKey: {
    required: false,
    aliases: ['secretAccessKey'],
    description: 'Secret access key. Needed unless workloadIdentityTokenFile is there.',
  },
  workloadIdentityTokenFile: {
    required: false,
    description: 'Path of a file with a web identity token. Its presence selects web identity.',
  },
  roleARN: { required: false, description: 'Role to assume with the web identity token.' },
} as const satisfies SecretKeys

/** Reads the Secret of a call. */
export type Secret = SecretReader<keyof typeof secretKeys>
