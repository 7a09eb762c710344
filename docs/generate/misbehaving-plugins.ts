import { misbehaviours } from '../../test/fixtures/misbehaviours.ts'
import { page, table } from './markdown.ts'

/** The reference of what comes of plugins that do wrong, from the table to which the tests hold the host. */
export function misbehavingPluginsReference(): string {
  return page('Misbehaving plugins', 'test/fixtures/misbehaviours.ts', [
    'What a plugin may do wrong, and what comes of it. Each line is a plugin in `test/fixtures/plugins` and a test, which calls a neighbour all the time meanwhile: no call of the neighbour fails.',
    table(
      ['a plugin that', 'its caller gets', 'the log says', 'its state then'],
      misbehaviours.map(({ does, caller, operator }) => {
        const reason = caller?.reason === undefined ? '' : ` (\`${caller.reason}\`)`
        const log = [operator.log && `\`${operator.log}\``, operator.text].filter((text) => text !== undefined)
        return [
          does,
          caller ? `\`${caller.code}\`${reason}: ${caller.text}` : 'its answer',
          log.join('; '),
          `\`${operator.state}\``,
        ]
      }),
    ),
    'A plugin that is `stopped` is started again by the next call. After three ends within five minutes it is [left alone for a while](../guides/upgrade-plugins.md#when-a-plugin-misbehaves). `mcm plugin show` has the cause of the last end, and the last lines that the plugin printed.',
    'A plugin that cannot be loaded, says something else than its manifest, or says nothing within `supervision.startSeconds`, is listed as `failed` with the reason. Its callers get `Unavailable` (`PLUGIN_UNUSABLE`).',
  ])
}
