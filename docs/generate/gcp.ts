import { errorTable } from '../../plugins/gcp/src/cloud/error-table.ts'
import { ProviderSpec } from '../../plugins/gcp/src/spec/provider-spec.ts'
import { gcpCatalogue, gcpShownByCases } from '../../test/recorded/gcp-catalogue.ts'
import { gcpDifferences } from '../../test/recorded/gcp-differences.ts'
import { page, table } from './markdown.ts'
import { coverage, fields } from './provider.ts'

/** The reference of the GCP plugin: fields, error codes, differences to the Go provider, and what tests show. */
export function gcpReference(): string {
  return page('The GCP plugin', 'plugins/gcp and test/recorded', [
    'How to use it is in [GCP](../providers/gcp.md).',
    '## providerSpec',
    'Names match in any case, and unknown fields are ignored, as in the Go provider. A field that is null is absent.',
    table(['field', 'type', 'meaning', 'example'], fields('', ProviderSpec)),
    '## Errors of Compute',
    'The reason of an answer decides, or the code of an operation; the HTTP status only where neither is known. Of several, the first row wins. Connections that fail and other 5xx are `Unavailable`, a refused login and a key that cannot sign are `Unauthenticated`, and what fits nowhere is `Internal`. Only CreateMachine answers `ResourceExhausted`, also for a type that the zone does not offer; elsewhere a quota is one of requests, and `Unavailable`. The host tells a call that took too long as `DeadlineExceeded`. What is `Unavailable` is sent again, three times in all; a refused access token is replaced once.',
    table(
      ['code', 'reasons of answers', 'codes of operations', 'HTTP'],
      errorTable.map(({ code, reasons, operationCodes, statuses }) => [
        `\`${code}\``,
        listed(reasons),
        listed(operationCodes),
        statuses.join(', '),
      ]),
    ),
    '## Differences to the Go provider',
    'All 247 recorded conversations of the Go provider are replayed against the plugin. Where it does something else, it is for one of these reasons.',
    table(
      ['what it does', 'why'],
      gcpDifferences.map(({ what, why }) => [what, why]),
    ),
    '## What tests show',
    'What a GCP driver has to show, and the tests and recorded conversations that show it. Rows: C CreateMachine, D DeleteMachine, G GetMachineStatus, L ListMachines, W weaknesses of the Go provider.',
    table(['row', 'what', 'shown by'], coverage({ cloud: 'gcp', rows: gcpCatalogue, shownByCases: gcpShownByCases })),
  ])
}

function listed(texts: readonly string[]): string {
  return texts.map((text) => `\`${text}\``).join(', ')
}
