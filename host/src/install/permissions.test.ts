import { describe, expect, it } from 'vitest'
import { beyondGranted, type ConsentRequest, consentFrom, permissionTexts, refuseConsent } from './permissions.ts'

it('are texts, sorted, each once', () => {
  const permissions = { net: ['b', 'a', 'a'], env: ['HOME'] }
  expect(permissionTexts(permissions)).toEqual(['env:HOME', 'net:a', 'net:b'])
  expect(permissionTexts(undefined)).toEqual([])
})

it('are compared exactly', () => {
  expect(beyondGranted(['net:a', 'net:*.a'], ['net:*', 'net:a'])).toEqual(['net:*.a'])
})

describe('consent', () => {
  const request = (name: string, ...fresh: string[]): ConsentRequest => ({
    name,
    version: '1.0.0',
    permissions: fresh,
    fresh,
  })
  const asked = [request('a', 'net:x', 'files:*'), request('b', "env:IT'S")]

  it('is given by --yes, or by naming all', async () => {
    await consentFrom({ yes: true }, refuseConsent)(asked)
    await consentFrom({ allow: ['net:x', 'files:*', "env:IT'S", 'more:y'] }, refuseConsent)(asked)
  })

  it('is refused with what is left, ready to be pasted into a shell', async () => {
    await expect(consentFrom({ allow: ['net:x'] }, refuseConsent)(asked)).rejects.toThrow(
      [
        'a 1.0.0 asks for permissions that nobody granted:',
        '  files:*',
        'b 1.0.0 asks for permissions that nobody granted:',
        "  env:IT'S",
        "nothing was changed; grant them with --yes, or with --allow 'files:*' --allow 'env:IT'\\''S'",
      ].join('\n'),
    )
  })
})
