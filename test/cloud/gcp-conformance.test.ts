import { expect, it } from 'vitest'
import { judgePlugin } from './testing/judge-plugin.ts'

it('plugin-gcp is conformant, profile full, against the fake Compute', async () => {
  const { report, others } = await judgePlugin('gcp')
  // Compute has a name once in a zone, and after a creation there is nothing to do.
  expect(others).toEqual([
    'skipped: status-of-several',
    'skipped: delete-all-of-name',
    'skipped: initialize-repeated',
    'skipped: initialize-missing',
    'skipped: uninitialized-way-back',
  ])
  expect(report).toMatchObject({ verdict: 'conformant', missing: [], driver: { name: '@mcm/plugin-gcp' } })
})
