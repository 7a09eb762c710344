import { expect, it } from 'vitest'
import { judgePlugin } from './testing/judge-plugin.ts'

it('plugin-aws is conformant, profile full, against the fake EC2', async () => {
  const { report, others } = await judgePlugin('aws')
  expect(others).toEqual([])
  expect(report).toMatchObject({ verdict: 'conformant', missing: [], driver: { name: '@mcm/plugin-aws' } })
})
