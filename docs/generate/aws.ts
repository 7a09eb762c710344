import { errorTable } from '../../plugins/aws/src/cloud/error-table.ts'
import { ProviderSpec } from '../../plugins/aws/src/spec/provider-spec.ts'
import { awsCatalogue, awsNotShown, awsShownByCases } from '../../test/recorded/aws-catalogue.ts'
import { awsDifferences } from '../../test/recorded/aws-differences.ts'
import { page, table } from './markdown.ts'
import { coverage, fields } from './provider.ts'

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
    table(
      ['row', 'what', 'shown by'],
      coverage({ cloud: 'aws', rows: awsCatalogue, shownByCases: awsShownByCases, notShown: awsNotShown }),
    ),
  ])
}
