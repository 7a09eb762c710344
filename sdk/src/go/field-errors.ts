import type { Violation } from '../errors/machine-error.ts'

// The forms of Kubernetes' field errors, in which Go providers tell what is wrong with a class.

/** Something is missing, in the words of Kubernetes' field errors. */
export function required(path: string, detail: string): Violation {
  return { path, message: `Required value: ${detail}` }
}

/** A value is not allowed. It stands in the message, so it must be no secret. */
export function invalid(path: string, value: unknown, detail: string): Violation {
  return { path, message: `Invalid value: ${JSON.stringify(value)}: ${detail}` }
}

/** A text is not one of those that are supported. */
export function unsupported(path: string, value: string, supported: readonly string[]): Violation {
  const values = supported.map((text) => JSON.stringify(text)).join(', ')
  return { path, message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${values}` }
}

/** Something must not be there. */
export function forbidden(path: string, detail: string): Violation {
  return { path, message: `Forbidden: ${detail}` }
}
