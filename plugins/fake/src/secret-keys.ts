import type { SecretKeys } from '@mcm/sdk'

/** The keys of the Secret. */
export const secretKeys = {
  token: {
    required: true,
    aliases: ['fakeToken'],
    description: 'Credential of the simulated cloud, in the form <account>:<anything>, for example demo:1.',
  },
  userData: { required: false, description: 'Start-up script of the VM, at most 16 KiB.' },
} as const satisfies SecretKeys

/** Name of a key of the Secret. */
export type FakeSecretKey = keyof typeof secretKeys
