import { configSchema } from '../../host/src/config/config.ts'
import { page, table } from './markdown.ts'

interface Schema {
  description?: string
  type?: string
  default?: unknown
  properties?: Record<string, Schema>
  anyOf?: { const?: unknown; type?: string }[]
}

/** The reference of the configuration file, from its schema. */
export function configurationReference(): string {
  return page('Configuration', 'host/src/config/config.ts', [
    '`mcm serve --config host.yaml` reads a YAML file; without the flag, the one that the variable `MCM_CONFIG` names. Flags win over it. All that is wrong with it is reported at once.',
    table(['key', 'type', 'default', 'meaning'], schemaRows(configSchema)),
  ])
}

/** A row for each key of a schema: key, type or choices, default, meaning. */
export function schemaRows(schema: object): string[][] {
  return rows('', schema)
}

function rows(prefix: string, { properties = {} }: Schema): string[][] {
  return Object.entries(properties).flatMap(([key, schema]) => {
    const path = prefix + key
    if (schema.properties) return [[`\`${path}\``, 'object', '', schema.description ?? ''], ...rows(`${path}.`, schema)]
    const choices = schema.anyOf
      ?.map(({ const: value, type }) => (value === undefined ? type : `\`${value}\``))
      .join(', ')
    const fallback = schema.default === undefined ? '' : `\`${JSON.stringify(schema.default)}\``
    return [[`\`${path}\``, choices ?? schema.type ?? '', fallback, schema.description ?? '']]
  })
}
