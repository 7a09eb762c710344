import { invalid } from './api-error.ts'

/**
 * Reads a list's filter: `name = a`, `labels.k != "b"`, `labels.k:*` and `name eq 'regex'`, in parentheses or not, joined
 * by AND. Filters on lists of values, such as network tags, are not documented, and not there.
 */
export function filterOf(text: string): (resource: object) => boolean {
  const wrong = () => invalid('filter', text, 'Invalid list filter expression.')
  const terms = text.trim() === '' ? [] : text.split(/\s+AND\s+|(?<=\))\s*(?=\()/)
  const tests = terms.map((term) => {
    const bare = term.trim().replace(/^\((.*)\)$/, '$1')
    const match = /^([\w.-]+?)\s*(!=|=|:|\seq\s|\sne\s)\s*(?:"([^"]*)"|'([^']*)'|([^\s"'()]+))$/.exec(bare)
    if (!match) throw wrong()
    const [, path = '', operator = '', ...values] = match
    return { path, test: testOf(operator.trim(), values.find((value) => value !== undefined) ?? '') }
  })
  return (resource) =>
    tests.every(({ path, test }) => {
      const found = valueAt(resource, path)
      if (Array.isArray(found)) throw wrong()
      return test(found === undefined ? undefined : String(found))
    })
}

function testOf(operator: string, value: string): (found: string | undefined) => boolean {
  const matches = (found: string) => new RegExp(`^(?:${value})$`).test(found)
  switch (operator) {
    case '=':
      return (found) => found === value
    case '!=':
      return (found) => found !== value
    case ':':
      return (found) => found !== undefined && (value === '*' || found.includes(value))
    case 'eq':
      return (found) => found !== undefined && matches(found)
    default:
      return (found) => found === undefined || !matches(found)
  }
}

function valueAt(resource: unknown, path: string): unknown {
  const [head = '', ...rest] = path.split('.')
  if (typeof resource !== 'object' || resource === null) return undefined
  // Only objects and lists are left.
  const value = (resource as Record<string, unknown>)[head]
  return rest.length === 0 || Array.isArray(value) ? value : valueAt(value, rest.join('.'))
}
