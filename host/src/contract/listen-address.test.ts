import { expect, it } from 'vitest'
import { formatListenAddress, isLoopback, parseListenAddress } from './listen-address.ts'

it.each<[string, object, string, boolean]>([
  ['unix:///run/mcm/host.sock', { kind: 'unix', path: '/run/mcm/host.sock' }, 'unix:///run/mcm/host.sock', true],
  ['unix:/run/x', { kind: 'unix', path: '/run/x' }, 'unix:///run/x', true],
  ['127.0.0.1:80', { kind: 'tcp', host: '127.0.0.1', port: 80 }, '127.0.0.1:80', true],
  ['127.9.9.9:0', { kind: 'tcp', host: '127.9.9.9', port: 0 }, '127.9.9.9:0', true],
  ['localhost:65535', { kind: 'tcp', host: 'localhost', port: 65535 }, 'localhost:65535', true],
  ['[::1]:80', { kind: 'tcp', host: '::1', port: 80 }, '[::1]:80', true],
  ['[::]:80', { kind: 'tcp', host: '::', port: 80 }, '[::]:80', false],
  [':80', { kind: 'tcp', host: '::', port: 80 }, '[::]:80', false],
  ['0.0.0.0:80', { kind: 'tcp', host: '0.0.0.0', port: 80 }, '0.0.0.0:80', false],
  ['127.evil.example:80', { kind: 'tcp', host: '127.evil.example', port: 80 }, '127.evil.example:80', false],
  [
    'localhost.evil.example:80',
    { kind: 'tcp', host: 'localhost.evil.example', port: 80 },
    'localhost.evil.example:80',
    false,
  ],
])('reads %j', (text, address, formatted, loopback) => {
  const parsed = parseListenAddress(text)
  expect(parsed).toEqual(address)
  expect(formatListenAddress(parsed)).toBe(formatted)
  expect(isLoopback(parsed)).toBe(loopback)
})

it.each([
  '',
  'localhost',
  '80',
  'localhost:65536',
  'localhost:-1',
  'http://localhost:80',
  '::1:80',
  '[::1]',
  'unix:',
  'unix://',
  'unix://relative',
  'a/b:80',
])('refuses %j and says what is allowed', (text) => {
  expect(() => parseListenAddress(text)).toThrow(
    `${JSON.stringify(text)} is no address to listen on; use unix:///path, host:port or [::1]:port`,
  )
})

it('refuses a socket path that is too long for the system', () => {
  expect(parseListenAddress(`unix:///${'x'.repeat(102)}`)).toMatchObject({ kind: 'unix' })
  expect(() => parseListenAddress(`unix:///${'x'.repeat(103)}`)).toThrow(
    `a socket's path may have 103 bytes, this has 104`,
  )
})
