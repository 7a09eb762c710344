import { createHash } from 'node:crypto'
import type { ProviderSpec } from '../provider-spec.ts'

/** The tag that tells how a VM was made. The pattern of the user's own tags allows no colon. */
export const fingerprintTag = 'mcm:fingerprint'

/** What a VM cannot change once it is made, as a short text. */
export function fingerprint(spec: Omit<ProviderSpec, 'uri' | 'networks' | 'tags' | 'virtType' | 'cluster'>): string {
  const { cpus, memoryMiB, diskGiB = 0, firmware, machineType } = spec
  return createHash('sha256')
    .update(JSON.stringify([imageOf(spec), cpus, memoryMiB, diskGiB, firmware, machineType]))
    .digest('hex')
    .slice(0, 16)
}

/** The same for the same image, however it is written and from wherever it is fetched. */
function imageOf({ image, pool }: Pick<ProviderSpec, 'image' | 'pool'>): string[] {
  if ('volume' in image) return ['volume', image.pool ?? pool.name, image.volume]
  const { format = 'qcow2' } = image
  return 'path' in image ? ['path', image.path, format] : ['sha256', image.sha256, format]
}
