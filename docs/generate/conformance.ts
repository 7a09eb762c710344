import { conformanceCases } from '@mcm/sdk/conformance'
import { configSchema } from '../../sdk/src/conformance/cli/config-schema.ts'
import { healthyDrivers } from '../../test/conformance/healthy-drivers.ts'
import { mutants } from '../../test/conformance/mutants/index.ts'
import { schemaRows } from './configuration.ts'
import { page, table } from './markdown.ts'

/** The reference of the conformance kit: its cases, its configuration, and the drivers that prove it. */
export function conformanceReference(): string {
  const linked = (id: string) => `[\`${id}\`](#${id})`
  return page('Conformance', 'sdk/src/conformance and test/conformance', [
    '`mcm-conformance` judges a driver by these requirements. [How to use it](../plugin-author/conformance.md).',
    '## Verdicts',
    table(
      ['verdict', 'exit status', 'when'],
      [
        ['conformant', '0', 'Everything that the profile asks for was judged, and nothing failed.'],
        ['not conformant', '1', 'A case failed, or one passed that is on the list of known failures.'],
        ['–', '2', 'Nothing was judged: wrong usage, wrong configuration, no host, no answer.'],
        ['incomplete', '3', 'Nothing failed, but something was not judged, or is known to fail.'],
      ],
    ),
    'Cases about optional methods are skipped where a driver does not have them; that costs nothing. `core` needs no way into the cloud. `full` has cases that need hooks, too; with the profile `core`, those are run for which there are hooks.',
    '## Cases',
    table(
      ['case', 'profile', 'what is judged'],
      conformanceCases.map(({ id, profile, title }) => [linked(id), profile, title]),
    ),
    ...conformanceCases.flatMap(({ id, requirement, source, advice, tags, needs = [] }) => [
      `### ${id}`,
      requirement,
      [
        `* Source: ${source}`,
        `* What to do: ${advice}`,
        `* Tags: ${tags.map((tag) => `\`${tag}\``).join(', ')}`,
        ...(needs.length > 0 ? [`* Needs: ${needs.map((need) => `\`${need}\``).join(', ')}`] : []),
      ].join('\n'),
    ]),
    '## Configuration',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: how the file has it
    '`mcm-conformance.yaml` in the plugin’s folder, or JSON. `${NAME}` in a text stands for an environment variable; `MCM_CONFORMANCE_TMP` is a folder of the run, which goes with it.',
    table(['key', 'type', 'default', 'meaning'], schemaRows(configSchema)),
    '## What the kit is proven by',
    `${mutants.length} drivers that are each wrong in one way. The kit must fail each by the requirements named here, and by no others.`,
    table(
      ['a driver that …', 'fails'],
      mutants.map(({ title, fails }) => [title, fails.map(linked).join(', ')]),
    ),
    `And ${healthyDrivers.length} that are right, which must pass: ${healthyDrivers.map(({ title }) => `one ${title}`).join(', ')}.`,
  ])
}
