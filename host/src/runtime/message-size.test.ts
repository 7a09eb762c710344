import { expect, it } from 'vitest'
import { isLargerThan } from './message-size.ts'

const circle: Record<string, unknown> = {}
circle.again = circle

it.each([
  ['a small answer', { providerID: 'x:///1', nodeName: 'n', addresses: [] }, false],
  ['nothing', undefined, false],
  ['a long text', { providerID: 'x'.repeat(1001) }, true],
  ['a long name', { ['x'.repeat(1001)]: 1 }, true],
  ['many values', Array(200).fill(0), true],
  ['bytes', { providerID: new Uint8Array(1001) }, true],
  ['a buffer', new ArrayBuffer(1001), true],
  ['a map', new Map([['a', 'x'.repeat(1001)]]), true],
  ['a set', new Set(['x'.repeat(1001)]), true],
  ['a circle', circle, true],
])('%s', (_, value, isLarger) => {
  expect(isLargerThan(value, 1000)).toBe(isLarger)
})
