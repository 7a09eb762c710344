import { expect, it } from 'vitest'
import { maskSecrets } from './mask-secrets.ts'

it.each([
  ['//registry.example/:_authToken=abc123', '//registry.example/:_authToken=***'],
  ['//registry.example/:_authToken = "abc123"', '//registry.example/:_authToken = "***"'],
  ['_auth=dTpw and _password: x', '_auth=*** and _password: ***'],
  ['GET https://me:hunter2@registry.example/x - 401', 'GET https://***@registry.example/x - 401'],
  ['GET https://token@registry.example/x', 'GET https://***@registry.example/x'],
  ['authorization: Bearer abc.def-123', 'authorization: Bearer ***'],
  [`npm_${'a'.repeat(36)} was refused`, '*** was refused'],
  ['the value s3cret-value came up', 'the value *** came up'],
  [
    '404 Not Found - GET https://registry.example/@acme%2fplugin',
    '404 Not Found - GET https://registry.example/@acme%2fplugin',
  ],
])('%s', (text, masked) => {
  expect(maskSecrets(text, { NPM_TOKEN: 's3cret-value', OTHER: 'GET https' })).toBe(masked)
})
