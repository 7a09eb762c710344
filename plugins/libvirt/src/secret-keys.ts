/** The keys of the Secret that this plugin reads. libvirt needs no credentials: who may use its socket may use it. */
export const secretKeys = {
  userData: { required: false, description: 'what the guest does at its first boot, as cloud-init takes it' },
} as const

export type SecretName = keyof typeof secretKeys
