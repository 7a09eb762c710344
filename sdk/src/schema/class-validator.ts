import type { Violation } from '../errors/machine-error.ts'
import type { JsonObject, Secret } from '../model/kubernetes.ts'
import { aliasesOf, isRequired, type SecretKeys } from '../plugin/secret.ts'
import { closedSchema } from './closed-schema.ts'
import { compileSchema, describeErrors, type ValidateFunction } from './json-schema.ts'

/** Checks classes and Secrets against what a plugin declared. Compiled once per plugin. */
export class ClassValidator {
  readonly #validate: ValidateFunction
  readonly #secretKeys: SecretKeys

  /** Throws where the plugin's schema is not a valid JSON Schema. */
  constructor(providerSpec: JsonObject, secretKeys: SecretKeys) {
    this.#validate = compileSchema(closedSchema(providerSpec))
    this.#secretKeys = secretKeys
  }

  /** Everything in a providerSpec that violates the schema. Fills the schema's defaults into it. */
  specViolations(spec: JsonObject): Violation[] {
    if (this.#validate(spec)) return []
    return describeErrors(this.#validate.errors ?? [], 'providerSpec')
  }

  /** The required keys that a Secret lacks. */
  secretViolations(data: Readonly<Record<string, Uint8Array>>): Violation[] {
    return Object.entries(this.#secretKeys)
      .filter(
        ([key, rule]) =>
          isRequired(rule) && ![key, ...aliasesOf(rule)].some((name) => (ownValue(data, name)?.length ?? 0) > 0),
      )
      .map(([key, rule]) => {
        const or = aliasesOf(rule)
          .map((alias) => ` (or ${alias})`)
          .join('')
        return { path: `secret.data.${key}`, message: `is required${or}` }
      })
  }

  /** The values of those keys that the plugin named; nobody else's business reaches it. */
  permittedSecretData(data: Readonly<Record<string, Uint8Array>>): Record<string, Uint8Array> {
    return permittedSecretData(this.#secretKeys, data)
  }
}

/** The values of those keys that a plugin named. */
export function permittedSecretData(
  secretKeys: SecretKeys,
  data: Readonly<Record<string, Uint8Array>>,
): Record<string, Uint8Array> {
  const permitted: Record<string, Uint8Array> = {}
  for (const [key, rule] of Object.entries(secretKeys)) {
    for (const name of [key, ...aliasesOf(rule)]) {
      const value = ownValue(data, name)
      if (value) permitted[name] = value
    }
  }
  return permitted
}

/** Not what every object inherits: a plugin may call a key `constructor`. */
function ownValue(data: Readonly<Record<string, Uint8Array>>, name: string): Uint8Array | undefined {
  return Object.hasOwn(data, name) ? data[name] : undefined
}

/** The values of a Secret; text values win, as in Kubernetes. */
export function secretData(secret: Secret | undefined): Record<string, Uint8Array> {
  const texts = Object.entries(secret?.stringData ?? {}).map(([key, text]) => [key, Buffer.from(text)] as const)
  return { ...secret?.data, ...Object.fromEntries(texts) }
}
