import { globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { errorTable } from '../../plugins/aws/src/cloud/error-table.ts'
import { ProviderSpec } from '../../plugins/aws/src/spec/provider-spec.ts'
import { awsCatalogue, awsNotShown, awsShownByCases } from '../../test/recorded/aws-catalogue.ts'
import { awsDifferences } from '../../test/recorded/aws-differences.ts'
import { page, table } from './markdown.ts'

/** The reference of the AWS plugin: fields, error codes, differences to the Go provider, and what tests show. */
export function awsReference(): string {
  return page('The AWS plugin', 'plugins/aws and test/recorded', [
    'How to use it is in [AWS](../providers/aws.md).',
    '## providerSpec',
    'Names match in any case, and unknown fields are ignored, as in the Go provider. A field that is null is absent.',
    table(['field', 'type', 'meaning', 'example'], fields('', ProviderSpec)),
    '## Errors of EC2 and STS',
    'The error code decides, and only where it says nothing the HTTP status: 429 and 5xx are `Unavailable`, as are connections that fail. The host tells a call that took too long as `DeadlineExceeded`. All else is `Internal`. An error keeps the code as its reason, and the request id in its text. Only what is `Unavailable` is sent again, three times in all.',
    table(
      ['code', 'error codes'],
      Object.entries(errorTable).map(([code, codes]) => [`\`${code}\``, codes.map((text) => `\`${text}\``).join(', ')]),
    ),
    '## Differences to the Go provider',
    'All 359 recorded conversations of the Go provider are replayed against the plugin. Where it does something else, it is for one of these reasons.',
    table(
      ['what it does', 'why'],
      awsDifferences.map(({ what, why }) => [what, why]),
    ),
    '## What tests show',
    'What an AWS driver has to show, and the tests and recorded conversations that show it. Rows: C CreateMachine, P placement by annotation, I InitializeMachine, D DeleteMachine, G GetMachineStatus, L ListMachines, V GetVolumeIDs, H parts of requests, S validation, E errors and metrics, W weaknesses of the Go provider.',
    table(['row', 'what', 'shown by'], coverage()),
  ])
}

interface Schema {
  type?: readonly string[] | string
  properties?: Record<string, Schema>
  items?: Schema
  description?: string
  examples?: unknown[]
}

function fields(path: string, schema: Schema | object): string[][] {
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

/** Fails for a row that nothing shows and nobody excuses, so that the table stays true. */
function coverage(): string[][] {
  const shownBy = new Map<string, string[]>()
  const add = (row: string, by: string) => {
    const known = shownBy.get(row) ?? []
    if (!known.includes(by)) shownBy.set(row, [...known, by])
  }
  const ids = new Set<string>()
  for (const line of readFileSync('test/recorded/aws-cases.jsonl', 'utf8').trimEnd().split('\n')) {
    const { id, catalogue = '' } = JSON.parse(line) as { id: string; catalogue?: string }
    ids.add(id)
    for (const row of catalogue.split(' ')) add(row, `\`${id}\``)
  }
  for (const [row, cases] of Object.entries(awsShownByCases)) {
    for (const id of cases) {
      if (!ids.has(id)) throw new Error(`row ${row} of the AWS catalogue names ${id}, which is not recorded`)
      add(row, `\`${id}\``)
    }
  }
  for (const file of globSync(['test/cloud/aws-*.test.ts', 'plugins/aws/src/**/*.test.ts']).sort()) {
    for (const [, rows = ''] of readFileSync(file, 'utf8').matchAll(/['`[]((?:[CPIDGLVHSEW]\d+ ?)+)(?=['`:])/g)) {
      for (const row of rows.trim().split(' ')) add(row, `[${basename(file)}](../../${file})`)
    }
  }
  return Object.entries(awsCatalogue).map(([row, what]) => {
    const by = shownBy.get(row)
    const excuse = awsNotShown[row]
    if (excuse !== undefined) return [row, what, excuse]
    if (!by) throw new Error(`row ${row} of the AWS catalogue is shown by nothing`)
    return [row, what, (by.length > 4 ? [...by.slice(0, 4), `and ${by.length - 4} more`] : by).join(', ')]
  })
}
