import { expect, it } from 'vitest'
import { ClassValidator } from './class-validator.ts'

it('does not take what every object inherits for a key of a Secret', () => {
  // Types cannot say that these are own keys.
  const keys = { constructor: 'required', toString: 'optional' } as never
  const validator = new ClassValidator({ type: 'object' }, keys)
  expect(validator.secretViolations({})).toEqual([{ path: 'secret.data.constructor', message: 'is required' }])
  expect(Object.entries(validator.permittedSecretData({}))).toEqual([])
  const data = { constructor: Buffer.from('own') }
  expect(validator.secretViolations(data as never)).toEqual([])
  expect(Object.entries(validator.permittedSecretData(data as never))).toEqual([['constructor', Buffer.from('own')]])
})
