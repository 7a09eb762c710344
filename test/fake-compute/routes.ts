import { ApiError, invalid } from './api-error.ts'
import type { Description, Method, Parameter } from './description.ts'

/** A method that a request is for, and its parameters. */
export interface Routed {
  method: Method
  /** `instances.insert` */
  action: string
  params: Record<string, string>
}

/** Described in texts, sent by Google's own clients, and yet missing in the lists of parameters. */
const undescribed: Parameter = { location: 'query', type: 'boolean' }

/** Finds the method of a request, and reads its parameters, by the published description only. */
export class Routes {
  readonly #description: Description
  readonly #routes: { method: Method; pattern: RegExp; names: string[] }[]

  constructor(description: Description) {
    this.#description = description
    this.#routes = Object.values(description.resources)
      .flatMap(({ methods }) => Object.values(methods))
      .map((method) => routeOf(description, method))
      // A path without a parameter goes before one that takes anything there.
      .sort((a, b) => a.names.length - b.names.length)
  }

  find(httpMethod: string, url: URL): Routed {
    for (const { method, pattern, names } of this.#routes) {
      const match = method.httpMethod === httpMethod ? pattern.exec(url.pathname) : null
      if (!match) continue
      const path = names.map((name, i): [string, string] => [name, decodeURIComponent(match[i + 1] ?? '')])
      return {
        method,
        action: method.id.replace(/^compute\./, ''),
        params: { ...Object.fromEntries(path), ...this.#query(method, url.searchParams) },
      }
    }
    throw new ApiError(404, 'notFound', `The requested URL ${url.pathname} was not found on this server.`)
  }

  #query(method: Method, query: URLSearchParams): Record<string, string> {
    const known: Record<string, Parameter> = { ...this.#description.parameters, returnPartialSuccess: undescribed }
    const params: Record<string, string> = {}
    for (const [name, value] of query) {
      // `$alt` and `alt` are one parameter.
      const parameter = method.parameters[name] ?? known[name.replace(/^\$/, '')]
      if (parameter?.location !== 'query') {
        const text = `Invalid JSON payload received. Unknown name "${name}": Cannot bind query parameter.`
        throw new ApiError(400, 'badRequest', text)
      }
      if (name in params && !parameter.repeated) throw invalid(name, value, 'It is given twice.')
      params[name] = value
    }
    return params
  }
}

/** Refuses values of parameters that the description does not allow. */
export function checkParameters({ method, params }: Routed): void {
  for (const [name, { pattern, type, minimum, maximum, enum: words }] of Object.entries(method.parameters)) {
    const value = params[name]
    if (value === undefined) continue
    if (pattern && !new RegExp(`^(?:${pattern})$`).test(value)) {
      throw invalid(name, value, `Must be a match of regex '${pattern}'`)
    }
    if (type === 'boolean' && !/^(true|false)$/i.test(value)) throw invalid(name, value, 'Must be true or false.')
    if (words && !words.includes(value)) throw invalid(name, value, `Must be one of ${words.join(', ')}.`)
    if (type === 'integer') {
      const isWithin = Number(value) >= Number(minimum ?? value) && Number(value) <= Number(maximum ?? value)
      if (!/^-?\d+$/.test(value) || !isWithin) throw invalid(name, value, 'Must be a whole number in its range.')
    }
  }
}

function routeOf({ servicePath }: Description, method: Method) {
  const names: string[] = []
  const pattern = method.flatPath.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    names.push(name)
    return '([^/]+)'
  })
  return { method, pattern: new RegExp(`^/${servicePath}${pattern}$`), names }
}
