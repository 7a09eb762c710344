import { createHash } from 'node:crypto'

/** Whom a token stands for. */
export interface Credential {
  account: string
  /** Tells tokens of one account apart without giving them away. */
  id: string
}

/**
 * Reads a token, which has the form `<account>:<anything>`, for example `demo:123`. Tokens with the same account see
 * the same instances. `undefined` for a text of another form.
 */
export function readToken(token: string): Credential | undefined {
  const account = /^([a-z0-9-]+):./.exec(token)?.[1]
  return account === undefined ? undefined : { account, id: credentialOf(token) }
}

/** The name under which settings speak of a token. */
export function credentialOf(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, 16)
}
