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
 * ajv's errors, as a person wants to read them: one per cause, with the path as it stands in the YAML. Of more than a
 * hundred, the last one says how many there are besides.
 *
 * @param root What the paths start with; may be empty.
 */
export function describeErrors(errors: readonly ErrorObject[], root: string): Violation[] {
  const choices = choicesAmong(errors)
  const parts = new Set([...choices.values()].flatMap((choice) => (isOfValues(choice) ? choice.alternatives : [])))
  const byText = new Map<string, Violation>()
  for (const error of errors) {
    const choice = choices.get(placeOf(error))
    if (parts.has(error) || (choice && !isOfValues(choice) && choice.alternatives.length > 0)) continue
    const violation = { path: pathOf(error, root), message: messageOf(error, choice) }
    byText.set(`${violation.path}\0${violation.message}`, violation)
  }
  const violations = [...byText.values()]
  if (violations.length <= maxViolations) return violations
  const more = { path: root, message: `has ${violations.length - maxViolations} more errors` }
  return [...violations.slice(0, maxViolations), more]
}

/** More than anybody reads, and it fits into an answer. */
const maxViolations = 100

/**
 * A choice between alternatives (`anyOf`) reports each alternative that failed and then itself. Where the alternatives
 * are plain values or types, the choice alone says it best; where they are structures, their own errors do.
 */
interface Choice {
  error: ErrorObject
  alternatives: ErrorObject[]
}

/** All choices by their place. Looks each error's choices up, since there may be very many of both. */
function choicesAmong(errors: readonly ErrorObject[]): Map<string, Choice> {
  const choices = new Map<string, Choice>()
  for (const error of errors) {
    if (isChoice(error.keyword)) choices.set(placeOf(error), { error, alternatives: [] })
  }
  for (const error of errors) {
    for (const schemaPath of pathsAbove(error.schemaPath)) {
      if (!isChoice(schemaPath.slice(schemaPath.lastIndexOf('/') + 1))) continue
      // One place in the schema checks all items of a list: the choice is that of the same item.
      for (const instancePath of [error.instancePath, ...pathsAbove(error.instancePath)]) {
        choices.get(placeOf({ instancePath, schemaPath }))?.alternatives.push(error)
      }
    }
  }
  return choices
}

function isChoice(keyword: string): boolean {
  return keyword === 'anyOf' || keyword === 'oneOf'
}

function placeOf({ instancePath, schemaPath }: Pick<ErrorObject, 'instancePath' | 'schemaPath'>): string {
  return `${instancePath}\0${schemaPath}`
}

/** `/a` and the empty path for `/a/b`. */
function pathsAbove(path: string): string[] {
  const segments = path.split('/')
  return segments.slice(1).map((_, i) => segments.slice(0, i + 1).join('/'))
}

function isOfValues({ error, alternatives }: Choice): boolean {
  return alternatives.every(
    ({ keyword, instancePath }) =>
      instancePath === error.instancePath && (keyword === 'const' || keyword === 'type' || keyword === 'enum'),
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

function messageOf(error: ErrorObject, choice: Choice | undefined): string {
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
    case 'type':
      return `must be ${[params.type].flat().join(' or ')}${found(error)}`
    default:
      if (choice && choice.alternatives.length > 0) return `must be ${allowedBy(choice).join(', ')}${found(error)}`
      return `${message}${found(error)}`
  }
}

/** What each alternative allows: its values where it names some, else its type. */
function allowedBy({ error, alternatives }: Choice): string[] {
  const byAlternative = Map.groupBy(alternatives, ({ schemaPath }) => {
    return schemaPath.slice(error.schemaPath.length + 1).split('/')[0]
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
