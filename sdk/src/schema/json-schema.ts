import type { Violation } from '../errors/machine-error.ts'
import { Ajv2020, addFormats, type ErrorObject, type ValidateFunction } from './ajv.ts'

export type { ValidateFunction } from './ajv.ts'

/** Compiles a JSON Schema. The check fills defaults in and finds all errors. Throws where the schema is not valid. */
export function compileSchema(schema: object): ValidateFunction {
  // Not strict: schemas of plugins may use keywords of their own. `verbose` gives the errors their values.
  const ajv = new Ajv2020({ allErrors: true, useDefaults: true, strict: false, verbose: true })
  addFormats.default(ajv)
  return ajv.compile(schema)
}

/**
 * ajv's errors, as a person wants to read them: one per cause, with the path as it stands in the YAML.
 *
 * @param root What the paths start with; may be empty.
 */
export function describeErrors(errors: readonly ErrorObject[], root: string): Violation[] {
  const violations = errors
    .filter((error) => !isPartOfChoice(error, errors))
    .map((error) => ({ path: pathOf(error, root), message: messageOf(error, errors) }))
  const seen = new Set<string>()
  return violations.filter(({ path, message }) => {
    const key = `${path}\0${message}`
    return !seen.has(key) && seen.add(key)
  })
}

/**
 * A choice between alternatives (`anyOf`) reports each alternative that failed and then itself. Where the alternatives
 * are plain values or types, the choice alone says it best; where they are structures, their own errors do.
 */
function isPartOfChoice(error: ErrorObject, errors: readonly ErrorObject[]): boolean {
  return errors.some((choice) => {
    if (choice.keyword !== 'anyOf' && choice.keyword !== 'oneOf') return false
    if (choice === error) return !isChoiceOfValues(choice, errors) && alternatives(choice, errors).length > 0
    return isChoiceOfValues(choice, errors) && alternatives(choice, errors).includes(error)
  })
}

function alternatives(choice: ErrorObject, errors: readonly ErrorObject[]): ErrorObject[] {
  return errors.filter((error) => error !== choice && error.schemaPath.startsWith(`${choice.schemaPath}/`))
}

function isChoiceOfValues(choice: ErrorObject, errors: readonly ErrorObject[]): boolean {
  return alternatives(choice, errors).every(
    ({ keyword, instancePath }) =>
      instancePath === choice.instancePath && (keyword === 'const' || keyword === 'type' || keyword === 'enum'),
  )
}

function pathOf({ instancePath, keyword, params }: ErrorObject, root: string): string {
  const segments = instancePath
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
  if (keyword === 'required') segments.push(String(params.missingProperty))
  if (keyword === 'additionalProperties') segments.push(String(params.additionalProperty))
  if (keyword === 'unevaluatedProperties') segments.push(String(params.unevaluatedProperty))
  return segments.reduce((path, segment) => path + pathSegment(segment), root).replace(/^\./, '')
}

/** One step of a path: `[1]`, `.name`, or `["odd name"]`. */
export function pathSegment(segment: string): string {
  if (/^\d+$/.test(segment)) return `[${segment}]`
  return /^[A-Za-z_][\w-]*$/.test(segment) ? `.${segment}` : `[${JSON.stringify(segment)}]`
}

const comparisons: Record<string, string> = {
  minimum: 'at least',
  maximum: 'at most',
  exclusiveMinimum: 'greater than',
  exclusiveMaximum: 'less than',
}

function messageOf(error: ErrorObject, errors: readonly ErrorObject[]): string {
  const { keyword, params, message = 'is not valid' } = error
  const comparison = comparisons[keyword]
  if (comparison) return `must be ${comparison} ${params.limit}${found(error)}`
  switch (keyword) {
    case 'required':
      return 'is required'
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return 'is not a known field'
    case 'enum':
      return `must be one of ${params.allowedValues.join(', ')}${found(error)}`
    case 'const':
      return `must be ${JSON.stringify(params.allowedValue)}${found(error)}`
    case 'anyOf':
    case 'oneOf':
      return `must be ${choices(error, errors).join(', ')}${found(error)}`
    default:
      return `${message}${found(error)}`
  }
}

/** What each alternative allows: its values where it names some, else its type. */
function choices(choice: ErrorObject, errors: readonly ErrorObject[]): string[] {
  const byAlternative = Map.groupBy(alternatives(choice, errors), ({ schemaPath }) => {
    return schemaPath.slice(choice.schemaPath.length + 1).split('/')[0]
  })
  const parts = [...byAlternative.values()].flatMap((failed) => {
    const named = failed.filter(({ keyword }) => keyword !== 'type')
    return (named.length > 0 ? named : failed).map(({ keyword, params }) => {
      if (keyword === 'const') return String(params.allowedValue)
      if (keyword === 'enum') return params.allowedValues.join(', ')
      return `${/^[aeiou]/.test(params.type) ? 'an' : 'a'} ${params.type}`
    })
  })
  return parts.length > 1 ? [`one of ${parts[0]}`, ...parts.slice(1)] : parts
}

/** The value that was found, where it is short and not marked as secret (`writeOnly`) in the schema. */
function found({ data, parentSchema }: ErrorObject): string {
  if (parentSchema?.writeOnly === true) return ''
  if (typeof data !== 'string' && typeof data !== 'number' && typeof data !== 'boolean' && data !== null) return ''
  const text = JSON.stringify(data)
  return text.length > 60 ? '' : `, is ${text}`
}
