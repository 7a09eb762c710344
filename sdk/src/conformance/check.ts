import { isDeepStrictEqual } from 'node:util'
import type { MachineCode } from '../errors/code.ts'
import { MachineError } from '../errors/machine-error.ts'

/** The requirement is not met. The message says what was expected and what was found. */
export class CaseFailure extends Error {
  override readonly name = 'CaseFailure'
}

/** Ends a case: the requirement is not met. */
export function fail(message: string): never {
  throw new CaseFailure(message)
}

/** Fails with the message unless the condition holds. */
export function check(condition: boolean, message: string): asserts condition {
  if (!condition) fail(message)
}

/** How a call ended. */
export type Outcome<T> = { kind: 'answer'; answer: T } | { kind: 'error'; error: MachineError }

/** Waits for a call, and takes its error for an outcome. Everything that is no error of the contract is thrown. */
export async function outcomeOf<T>(call: Promise<T>): Promise<Outcome<T>> {
  try {
    return { kind: 'answer', answer: await call }
  } catch (error) {
    if (MachineError.is(error)) return { kind: 'error', error }
    throw error
  }
}

/** Expects a call to fail with one of some codes, and returns the error. */
export async function expectError(
  call: Promise<unknown>,
  codes: readonly MachineCode[],
  when: string,
): Promise<MachineError> {
  const outcome = await outcomeOf(call)
  const expected = `${when}: expected ${codes.join(' or ')}`
  if (outcome.kind === 'answer') fail(`${expected}, got the answer ${JSON.stringify(outcome.answer)}`)
  const { error } = outcome
  check(codes.includes(error.code), `${expected}, got ${error.code}: ${error.message}`)
  check(error.message.trim() !== '', `${when}: the error ${error.code} says nothing; its text is shown to users`)
  return error
}

/** Expects a call to succeed, or to fail with one of some codes. Returns whether it succeeded. */
export async function expectOkOr(
  call: Promise<unknown>,
  codes: readonly MachineCode[],
  when: string,
): Promise<boolean> {
  const outcome = await outcomeOf(call)
  if (outcome.kind === 'answer') return true
  const { code, message } = outcome.error
  check(codes.includes(code), `${when}: expected OK or ${codes.join(' or ')}, got ${code}: ${message}`)
  return false
}

/** Expects two values to be the same, members and all. */
export function expectSame(found: unknown, expected: unknown, what: string): void {
  check(
    isDeepStrictEqual(found, expected),
    `${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(found)}`,
  )
}
