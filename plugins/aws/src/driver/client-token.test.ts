import { expect, it } from 'vitest'
import { clientTokens } from './client-token.ts'

const machine = (uid: string, name = 'm') => ({ metadata: { name, namespace: 'n', uid }, spec: {} })
const [token, second, last] = clientTokens(machine('1'), 'cluster', { a: 1 })

it('is the same for the same machine and request, and of a form that EC2 takes', () => {
  expect(clientTokens(machine('1'), 'cluster', { a: 1 }).slice(0, 2)).toEqual([token, second])
  expect(token).toMatch(/^[0-9a-f-]{36}$/)
})

it.each([
  ['another machine', clientTokens(machine('2'), 'cluster', { a: 1 })],
  ['another cluster', clientTokens(machine('1'), 'other', { a: 1 })],
  ['another request', clientTokens(machine('1'), 'cluster', { a: 2 })],
])('is another one for %s', (_, others) => {
  expect(new Set([token, second, last, ...others]).size).toBe(6)
})
