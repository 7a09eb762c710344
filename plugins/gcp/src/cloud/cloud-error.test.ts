import { expect, it } from 'vitest'
import { failureOf } from './cloud-error.ts'

const thrown = (url: string, status: number, data: unknown) => ({
  config: { url: new URL(url) },
  response: { status, data },
})
const compute = 'https://compute.googleapis.com/compute/v1/projects/p/zones/z/instances'
const login = 'https://oauth2.googleapis.com/token'

it.each([
  [
    'one reason as Google writes it for Go',
    thrown(compute, 403, { error: { message: 'No.', errors: [{ reason: 'forbidden', message: 'No.' }] } }),
    'googleapi: Error 403: No., forbidden',
  ],
  ['no reason', thrown(compute, 500, { error: { message: 'Oh.' } }), 'googleapi: Error 500: Oh.'],
  ['no JSON', thrown(compute, 502, '<html>'), 'googleapi: got HTTP response code 502 with body: <html>'],
  [
    'an OAuth error',
    thrown(login, 400, { error: 'invalid_grant', error_description: 'SECRET' }),
    token('invalid_grant'),
  ],
  ['an OAuth error that is none', thrown(login, 400, { error: 'SECRET' }), token('unknown error')],
])('tells %s', (_, error, text) => {
  expect(failureOf(error).text).toBe(text)
})

it('quotes nothing of an answer that the library could not read', () => {
  expect(failureOf(new TypeError("Cannot create property 'res' on string 'SECRET'")).text).toBe(
    "Google's library could not read an answer",
  )
})

// Whoever chose the address must not read there through our error.
it.each([
  ['a page', '<html>SECRET</html>'],
  ['JSON of its own', { SECRET: 1 }],
  ["an error in Compute's form", { error: { message: 'SECRET', errors: [{ reason: 'SECRET', message: 'SECRET' }] } }],
])('quotes nothing of a token server that answers %s', (_, data) => {
  const failure = failureOf(thrown(login, 403, data))
  expect(failure).toMatchObject({ isOfLogin: true, text: 'cannot fetch token: HTTP 403, unknown error' })
  expect(JSON.stringify(failure)).not.toContain('SECRET')
})

function token(reason: string): string {
  return `cannot fetch token: HTTP 400, ${reason}`
}
