import { iso9660 } from './iso9660.ts'

/**
 * The image from which a guest reads who it is and what to do at its first boot: cloud-init's NoCloud source, which
 * other small init systems read too.
 */
export function noCloudSeed({ instanceId, hostname, userData }: NoCloud): Buffer {
  // In quotes: a machine may be called `null` or `1e3`. A UUID and a DNS name hold nothing that ends them.
  const metaData = `instance-id: "${instanceId}"\nlocal-hostname: "${hostname}"\n`
  return iso9660('cidata', [
    { name: 'meta-data', content: Buffer.from(metaData) },
    // Without user data the file still has to be there, else the seed is none.
    { name: 'user-data', content: userData ?? Buffer.from('#cloud-config\n{}\n') },
  ])
}

interface NoCloud {
  /** A new id makes cloud-init run again. */
  instanceId: string
  hostname: string
  userData: Uint8Array | undefined
}
