import { expect, it } from 'vitest'
import { checkOwnerTags, isOwned, ownerTagsOf } from './tags.ts'

const tags = { cluster: 'kubernetes-io-cluster-a', role: 'kubernetes-io-role-node' }

it('reads the last tag of each kind, as the Go provider does', () => {
  const all = ['x', 'kubernetes-io-role-old', 'kubernetes-io-cluster-b', tags.role, tags.cluster]
  expect(ownerTagsOf(all)).toEqual(tags)
  expect(ownerTagsOf(undefined)).toEqual({ cluster: '', role: '' })
})

it.each([
  ['the same two, among others', ['x', tags.role, tags.cluster], true],
  ['another cluster', [tags.role, 'kubernetes-io-cluster-b'], false],
  ['another role', ['kubernetes-io-role-x', tags.cluster], false],
  ['a longer name', [tags.role, 'kubernetes-io-cluster-ab'], false],
  ['no tags', undefined, false],
])('a VM with %s', (_, found, owned) => {
  expect(isOwned(found, tags)).toBe(owned)
})

it('a class without tags owns nothing, and is told so', () => {
  expect(isOwned([], { cluster: '', role: '' })).toBe(false)
  expect(checkOwnerTags({ tags: ['shoot--a'] }).map(({ message }) => message)).toEqual([
    'Required value: a tag that contains kubernetes-io-cluster- is required',
    'Required value: a tag that contains kubernetes-io-role- is required',
  ])
})
