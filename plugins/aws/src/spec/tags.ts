import type { Violation } from '@mcm/sdk'
import { invalid, required } from '@mcm/sdk/go'
import type { ProviderSpec } from './provider-spec.ts'

/** The two tag keys by which VMs of a cluster are told from others. */
export interface TagKeys {
  cluster: string
  role: string
}

/**
 * The keys that say which cluster and role a VM belongs to; `''` where there is none. A key counts when it contains the
 * word, as upstream has it. Of several, one that begins with it comes first, then the first by alphabet, so that every
 * call chooses the same.
 */
export function tagKeysOf({ tags = {} }: ProviderSpec): TagKeys {
  const cluster = best(Object.keys(tags), clusterWord)
  const others = Object.keys(tags).filter((key) => !key.includes(clusterWord))
  return { cluster, role: best(others, roleWord) }
}

/** The word that the keys of clusters contain. */
export const clusterWord = 'kubernetes.io/cluster/'
const roleWord = 'kubernetes.io/role/'

/** What is wrong with `providerSpec.tags` for any method: without both keys no VM can be found. */
export function checkTagKeys(spec: ProviderSpec): Violation[] {
  const { cluster, role } = tagKeysOf(spec)
  const violations: Violation[] = []
  const detail = (word: string) => `Tag required of the form ${word}****`
  if (cluster === '') violations.push(required('providerSpec.tags[]', detail(clusterWord)))
  if (role === '') violations.push(required('providerSpec.tags[]', detail(roleWord)))
  return violations
}

/** Beyond upstream: what EC2 refuses for sure. */
export function checkTagLimits({ tags = {} }: ProviderSpec): Violation[] {
  const path = 'providerSpec.tags'
  const keys = Object.keys(tags).filter((key) => key !== 'Name')
  const violations: Violation[] = []
  // With Name, which every VM gets.
  if (keys.length >= maxTags) {
    violations.push(invalid(path, keys.length, `EC2 takes ${maxTags} tags, and one of them is Name`))
  }
  for (const key of keys) {
    const at = `${path}["${key}"]`
    if (key.toLowerCase().startsWith('aws:')) violations.push(invalid(at, key, 'the prefix aws: is reserved'))
    if (key === '' || [...key].length > 128) violations.push(invalid(at, key, 'a key has 1 to 128 characters'))
    if ([...(tags[key] ?? '')].length > 256)
      violations.push(invalid(at, tags[key], 'a value has at most 256 characters'))
  }
  return violations
}

const maxTags = 50

function best(keys: readonly string[], word: string): string {
  const candidates = keys.filter((key) => key.includes(word)).sort()
  return candidates.find((key) => key.startsWith(word)) ?? candidates[0] ?? ''
}
