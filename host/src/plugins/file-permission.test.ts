import { expect, it } from 'vitest'
import { readFilePermission } from './file-permission.ts'

it.each([
  ['*', { path: '*', canWrite: true }],
  ['read:*', { path: '*', canWrite: false }],
  ['/var/lib/x', { path: '/var/lib/x', canWrite: true }],
  ['/var/lib/../x/', { path: '/var/x', canWrite: true }],
  ['read:/etc/x', { path: '/etc/x', canWrite: false }],
  ['~', { path: '/home/me', canWrite: true }],
  ['read:~/.aws', { path: '/home/me/.aws', canWrite: false }],
  ...['', 'x', './x', '~you', '/a*', 'write:/a', 'read:', '/a\0'].map((text): [string, undefined] => [text, undefined]),
])('%j', (text, permission) => {
  expect(readFilePermission(text, '/home/me')).toEqual(permission)
})
