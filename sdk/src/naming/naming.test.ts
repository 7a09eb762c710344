import { describe, expect, it } from 'vitest'
import { deterministicUuid, idOfProviderID, isDnsLabel, isDnsSubdomain, providerID } from './naming.ts'

describe('deterministicUuid', () => {
  // Computed with another implementation of version 5, from the same namespace.
  it.each([
    [['shoot--prod', 'default', 'worker-1'], '8f05f86a-74f7-54ce-b06d-dcab16c070d1'],
    [['a', 'bc'], 'fba03b90-b7f5-5d14-913d-a5d70869a650'],
    [['ab', 'c'], 'daa4d759-e109-5569-ac7f-ebcc5235f106'],
    [[''], '85a408b8-cade-559d-b8e4-d1c35f3dc768'],
    [['ünï🚀', 'x'], '903bc736-a444-5a33-bcec-f149bd32767f'],
    [[], 'cbfc9323-230d-530d-9de1-4d4c749ecf96'],
  ])('of %j is %s', (parts, uuid) => {
    expect(deterministicUuid(...parts)).toBe(uuid)
  })

  it('tells apart parts that look alike when put together', () => {
    const alike = [['1:a', 'b'], ['1', ':ab'], ['1:a1:b'], ['', '1:a1:b'], ['1:a1:b', '']]
    expect(new Set(alike.map((parts) => deterministicUuid(...parts))).size).toBe(alike.length)
  })
})

describe('names', () => {
  it.each([
    ['a', true, true],
    ['worker-1', true, true],
    ['0', true, true],
    ['a'.repeat(63), true, true],
    ['a'.repeat(64), false, false],
    ['a.b', false, true],
    [`${'a'.repeat(63)}.`.repeat(3) + 'a'.repeat(61), false, true],
    [`${'a'.repeat(63)}.`.repeat(3) + 'a'.repeat(62), false, false],
    ['', false, false],
    ['.', false, false],
    ['a..b', false, false],
    ['a.', false, false],
    ['-a', false, false],
    ['a-', false, false],
    ['A', false, false],
    ['a_b', false, false],
    ['a b', false, false],
    ['a\n', false, false],
    ['a\u0000', false, false],
    ['../etc/passwd', false, false],
    ['$(reboot)', false, false],
    ['ä', false, false],
    ['а', false, false],
  ])('%j is a label: %s, a subdomain: %s', (text, isLabel, isSubdomain) => {
    expect([isDnsLabel(text), isDnsSubdomain(text)]).toEqual([isLabel, isSubdomain])
  })
})

describe('providerID', () => {
  it.each<[[string, ...string[]], string, string]>([
    [['', '3f0c'], 'x:///3f0c', '3f0c'],
    [['eu-west-1', 'i-0123'], 'x://eu-west-1/i-0123', 'i-0123'],
    [['project', 'zone', 'name'], 'x://project/zone/name', 'name'],
    [['a/b', '../c d?#%'], 'x://a%2Fb/..%2Fc%20d%3F%23%25', '../c d?#%'],
    [['', 'ünï🚀'], 'x:///%C3%BCn%C3%AF%F0%9F%9A%80', 'ünï🚀'],
    [['', '\ud800'], 'x:///%EF%BF%BD', '\ufffd'],
    [['', ''], 'x:///', ''],
  ])('of %j is %j, and its last part comes back', (path, id, last) => {
    expect(providerID('x', ...path)).toBe(id)
    expect(idOfProviderID(id)).toBe(last)
  })

  it.each([
    ['', ''],
    ['no-scheme', 'no-scheme'],
    ['x:///100%', '100%'],
  ])('the last part of %j, which is none of ours, is %j', (id, last) => {
    expect(idOfProviderID(id)).toBe(last)
  })
})
