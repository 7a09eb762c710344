import { globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'

interface Schema {
  type?: readonly string[] | string
  properties?: Record<string, Schema>
  items?: Schema
  description?: string
  examples?: unknown[]
}

/** Rows of a providerSpec's fields: path, type, meaning, example. */
export function fields(path: string, schema: Schema | object): string[][] {
  const { properties = {} } = schema as Schema
  return Object.entries(properties).flatMap(([name, property]) => {
    const [type = ''] = [property.type ?? ''].flat()
    const at = `${path}${name}`
    const { description = '', examples = [] } = property
    const hasParts = property.properties !== undefined || property.items?.properties !== undefined
    const example = hasParts || examples[0] === '' ? '' : `\`${JSON.stringify(examples[0])}\``
    return [
      [`\`${at}\``, type, description, example],
      ...fields(`${at}.`, property),
      ...(property.items ? fields(`${at}[].`, property.items) : []),
    ]
  })
}

/** What is to be shown of a provider, and what is known to show it. */
export interface Catalogue {
  cloud: 'aws' | 'gcp'
  /** What each row is about. */
  rows: Readonly<Record<string, string>>
  /** Recorded conversations that show a row without naming it. */
  shownByCases: Readonly<Record<string, readonly string[]>>
  /** Why nothing shows a row. */
  notShown?: Readonly<Record<string, string>>
}

/** Rows of a catalogue: row, what, shown by. Fails for a row that nothing shows and nobody excuses, so that the table stays true. */
export function coverage({ cloud, rows, shownByCases, notShown = {} }: Catalogue): string[][] {
  const shownBy = new Map<string, string[]>()
  const add = (row: string, by: string) => {
    const known = shownBy.get(row) ?? []
    if (!known.includes(by)) shownBy.set(row, [...known, by])
  }
  const ids = new Set<string>()
  for (const line of readFileSync(`test/recorded/${cloud}-cases.jsonl`, 'utf8').trimEnd().split('\n')) {
    const { id, catalogue = '' } = JSON.parse(line) as { id: string; catalogue?: string }
    ids.add(id)
    for (const row of catalogue.split(' ')) add(row, `\`${id}\``)
  }
  for (const [row, cases] of Object.entries(shownByCases)) {
    for (const id of cases) {
      if (!ids.has(id)) throw new Error(`row ${row} of the ${cloud} catalogue names ${id}, which is not recorded`)
      add(row, `\`${id}\``)
    }
  }
  for (const file of globSync([`test/cloud/${cloud}-*.test.ts`, `plugins/${cloud}/src/**/*.test.ts`]).sort()) {
    for (const [, names = ''] of readFileSync(file, 'utf8').matchAll(/['`[]((?:[CPIDGLVHSEW]\d+,? ?)+)(?=['`:])/g)) {
      for (const row of names.trim().split(/,? /)) add(row, `[${basename(file)}](../../${file})`)
    }
  }
  return Object.entries(rows).map(([row, what]) => {
    const by = shownBy.get(row)
    const excuse = notShown[row]
    if (excuse !== undefined) return [row, what, excuse]
    if (!by) throw new Error(`row ${row} of the ${cloud} catalogue is shown by nothing`)
    return [row, what, (by.length > 4 ? [...by.slice(0, 4), `and ${by.length - 4} more`] : by).join(', ')]
  })
}
