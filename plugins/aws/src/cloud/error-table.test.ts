import { expect, it } from 'vitest'
import { errorTable, machineCodeOf } from './error-table.ts'

it('has every code of the cloud once', () => {
  const codes = Object.values(errorTable).flat()
  expect(codes.filter((code, i) => codes.indexOf(code) !== i)).toEqual([])
})

it.each([
  ['InsufficientInstanceCapacity', 'ResourceExhausted'],
  ['InvalidParameterValue', 'InvalidArgument'],
  ['InvalidSomethingID.Malformed', 'InvalidArgument'],
  ['SecurityGroupsPerInstanceLimitExceeded', 'InvalidArgument'],
  ['InvalidInstanceID.NotFound', undefined],
  ['insufficientinstancecapacity', undefined],
  ['XInvalidParameter', undefined],
  ['', undefined],
])('E1 E2: %s is %s', (cloudCode, code) => {
  expect(machineCodeOf(cloudCode)).toBe(code)
})
