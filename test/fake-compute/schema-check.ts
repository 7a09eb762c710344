import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js'
import { ApiError } from './api-error.ts'
import type { Description, Type } from './description.ts'

type Direction = 'request' | 'answer'

/** Checks bodies against the published schemas: no unknown key, no wrong type, no unknown word of an enumeration. */
export class SchemaCheck {
  readonly #ajv: Record<Direction, Ajv2020>

  constructor({ schemas }: Description) {
    this.#ajv = { request: ajvOf(schemas, 'request'), answer: ajvOf(schemas, 'answer') }
  }

  /**
   * Refuses a body as Compute does, with all that is wrong. Output-only fields are taken out, since Compute ignores them.
   *
   * @returns Their paths.
   */
  checkRequest(name: string, body: unknown): string[] {
    const errors = this.#errors('request', name, body)
    const wrong = errors.filter(({ keyword }) => keyword !== 'false schema')
    if (wrong.length > 0) throw new ApiError(400, 'badRequest', wrong.map(told).join('\n'))
    for (const { instancePath } of errors) remove(body, instancePath.split('/').slice(1))
    return errors.map(pathOf)
  }

  /** An answer that the schema does not allow is a mistake of the fake's. */
  checkAnswer(name: string, body: unknown): void {
    const errors = this.#errors('answer', name, body)
    if (errors.length > 0) throw new Error(`the fake answers no ${name}: ${errors.map(told).join('\n')}`)
  }

  #errors(direction: Direction, name: string, body: unknown): ErrorObject[] {
    const check = this.#ajv[direction].getSchema(`compute#/$defs/${name}`)
    if (!check) throw new Error(`there is no schema ${name}`)
    return check(body) ? [] : (check.errors ?? [])
  }
}

function ajvOf(schemas: Description['schemas'], direction: Direction): Ajv2020 {
  // What Google publishes need not be checked by the meta-schema.
  const ajv = new Ajv2020({ allErrors: true, verbose: true, strict: false, validateSchema: false })
  const $defs = Object.entries(schemas).map(([name, type]) => [name, jsonSchema(type, direction, name)])
  return ajv.addSchema({ $id: 'compute', $defs: Object.fromEntries($defs) })
}

function jsonSchema(type: Type, direction: Direction, path: string): object | boolean {
  if (type.readOnly && direction === 'request') return false
  if (type.$ref) return { $ref: `#/$defs/${type.$ref}` }
  switch (type.type) {
    case undefined:
    case 'any':
      return {}
    case 'boolean':
    case 'number':
      return { type: type.type }
    case 'integer':
      return { type: 'integer', ...(type.format === 'uint32' ? { minimum: 0, maximum: 2 ** 32 - 1 } : int32) }
    case 'string':
      return { ...textSchema(type.format, direction), ...(type.enum && { enum: type.enum }) }
    case 'array':
      return { type: 'array', items: jsonSchema(type.items ?? {}, direction, `${path}[]`) }
    case 'object': {
      const properties = Object.entries(type.properties ?? {}).map(([name, property]) => {
        return [name, jsonSchema(property, direction, `${path}.${name}`)]
      })
      const others = type.additionalProperties
      return {
        type: 'object',
        properties: Object.fromEntries(properties),
        additionalProperties: others ? jsonSchema(others, direction, `${path}.*`) : false,
      }
    }
    default:
      throw new Error(`${path} has the unknown type ${type.type satisfies never}`)
  }
}

const int32 = { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 }

/** Integers of 64 bits are texts. In requests Compute takes numbers for them as well. */
function textSchema(format: string | undefined, direction: Direction): object {
  switch (format) {
    case 'int64':
    case 'uint64':
      return {
        type: direction === 'request' ? ['string', 'integer'] : 'string',
        pattern: format === 'int64' ? '^-?\\d{1,19}$' : '^\\d{1,20}$',
      }
    case 'byte':
      return { type: 'string', pattern: '^[A-Za-z0-9+/_-]*={0,2}$' }
    default:
      return { type: 'string' }
  }
}

function told(error: ErrorObject): string {
  const { keyword, params, data } = error
  if (keyword === 'additionalProperties') {
    const unknown = `Unknown name "${params.additionalProperty}" at '${pathOf(error)}'`
    return `Invalid JSON payload received. ${unknown}: Cannot find field.`
  }
  return `Invalid value at '${pathOf(error)}' (${String(params.type ?? keyword)}), ${JSON.stringify(data)}`
}

/** `resource.disks[0].boot`, as Google writes it. */
function pathOf({ instancePath }: ErrorObject): string {
  return `resource${instancePath.replaceAll(/\/(\d+)/g, '[$1]').replaceAll('/', '.')}`
}

function remove(body: unknown, [head = '', ...rest]: string[]): void {
  // The schema found an object or a list on the way to each error.
  const parent = body as Record<string, unknown>
  if (rest.length > 0) remove(parent[head], rest)
  else delete parent[head]
}
