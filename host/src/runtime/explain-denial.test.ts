import { expect, it } from 'vitest'
import { explainDenial } from './explain-denial.ts'

const node = 'Access to this API has been restricted.'
const asks = (kind: string) =>
  `ERR_ACCESS_DENIED: the sandbox does not allow this; a plugin that needs it asks for "${kind}" under "mcm.permissions" in its package.json, and an operator may grant it under "pluginPolicy.grant"`

it.each([
  [`${node} Use --allow-net to manage permissions.`, asks('net')],
  [`connect ERR_ACCESS_DENIED ${node} Use --allow-net to manage permissions.`, `connect ${asks('net')}`],
  [`${node} Use --allow-fs-write to manage permissions.\n at x`, `${asks('files')}\n at x`],
  [`${node} Use --allow-child-process to manage permissions.`, asks('programs')],
  [
    `${node} Use --allow-wasi to manage permissions.`,
    'ERR_ACCESS_DENIED: the sandbox does not allow this; no permission allows it',
  ],
  [node, 'ERR_ACCESS_DENIED: the sandbox does not allow this; no permission allows it'],
  ['disk full', 'disk full'],
])('%s', (text, explained) => {
  expect(explainDenial(text)).toBe(explained)
})
