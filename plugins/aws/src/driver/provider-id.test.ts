import { expect, it } from 'vitest'
import { formatProviderID, parseProviderID } from './provider-id.ts'

it('writes what it reads', () => {
  const id = formatProviderID('eu-west-1', 'i-1')
  expect(id).toBe('aws:///eu-west-1/i-1')
  expect(parseProviderID(id, 'eu-west-1')).toEqual({ id: 'i-1', region: 'eu-west-1' })
})

it.each([
  ['of another region', 'aws:///us-east-1/i-1', { id: 'i-1', region: 'us-east-1' }],
  ['with a zone, as the cloud controller writes it', 'aws:///eu-west-1a/i-1', { id: 'i-1', region: 'eu-west-1' }],
  ['with a local zone', 'aws:///us-west-2-lax-1a/i-1', { id: 'i-1', region: 'eu-west-1' }],
  ['of a region of the government', 'aws:///us-gov-west-1/i-1', { id: 'i-1', region: 'us-gov-west-1' }],
  ['without an id', 'aws:///eu-west-1/', undefined],
  ['that is empty', '', undefined],
])('reads a providerID %s', (_, providerID, reference) => {
  expect(parseProviderID(providerID, 'eu-west-1')).toEqual(reference)
})

it('refuses what has no segments', () => {
  expect(() => parseProviderID('abc', 'eu-west-1')).toThrow('unable to decode provider-ID')
})
