import type { Violation } from '@mcm/sdk'
import { required } from '@mcm/sdk/go'
import type { ProviderSpec } from './provider-spec.ts'

/** The two network tags by which VMs of a cluster are told from others; `''` where there is none. */
export interface OwnerTags {
  cluster: string
  role: string
}

/** The tags that say whose a VM or a class is: the last ones that contain the words, as upstream has it. */
export function ownerTagsOf(tags: readonly string[] = []): OwnerTags {
  const cluster = tags.findLast((tag) => tag.includes(clusterWord)) ?? ''
  const role = tags.findLast((tag) => !tag.includes(clusterWord) && tag.includes(roleWord)) ?? ''
  return { cluster, role }
}

/** Whether a VM carries the same two tags as the class. */
export function isOwned(vmTags: readonly string[] | null | undefined, { cluster, role }: OwnerTags): boolean {
  const own = ownerTagsOf(vmTags ?? [])
  return cluster !== '' && role !== '' && own.cluster === cluster && own.role === role
}

/** Beyond upstream, which makes VMs that it never finds again: what is missing of `providerSpec.tags`. */
export function checkOwnerTags({ tags }: ProviderSpec): Violation[] {
  const { cluster, role } = ownerTagsOf(tags)
  const missing = [...(cluster === '' ? [clusterWord] : []), ...(role === '' ? [roleWord] : [])]
  return missing.map((word) => required('providerSpec.tags', `a tag that contains ${word} is required`))
}

const clusterWord = 'kubernetes-io-cluster-'
const roleWord = 'kubernetes-io-role-'
