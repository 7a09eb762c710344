import { expect, it } from 'vitest'
import { tagKeysOf } from './tags.ts'

const c = 'kubernetes.io/cluster/'
const r = 'kubernetes.io/role/'

it.each([
  ['one of each', [`${c}a`, `${r}node`], `${c}a`, `${r}node`],
  ['a key that only contains the word', [`x.${c}a`, `x.${r}node`], `x.${c}a`, `x.${r}node`],
  ['one that begins with it before one that contains it', [`a.${c}a`, `${c}b`, `${r}n`], `${c}b`, `${r}n`],
  ['the first by alphabet, whatever their order', [`${r}z`, `${c}b`, `${r}a`, `${c}a`], `${c}a`, `${r}a`],
  ['a key with both words as a cluster only', [`${c}${r}`], `${c}${r}`, ''],
  ['none', ['Name'], '', ''],
])('W10: takes %s', (_, keys, cluster, role) => {
  expect(tagKeysOf({ tags: Object.fromEntries(keys.map((key) => [key, '1'])) })).toEqual({ cluster, role })
})
