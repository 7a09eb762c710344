import { Type } from '@mcm/sdk'
import { expect, it } from 'vitest'
import { inputSchema } from './input-schema.ts'

it('calls only those fields required that have no default, at every depth', () => {
  const disk = Type.Object({ size: Type.Number({ default: 1 }), kind: Type.String() })
  const schema = Type.Object({
    region: Type.String(),
    disks: Type.Array(disk),
    spot: Type.Object({ price: Type.Number({ default: 0 }) }, { default: {} }),
  })
  expect(JSON.parse(JSON.stringify(inputSchema(schema)))).toEqual({
    type: 'object',
    required: ['region', 'disks'],
    properties: {
      region: { type: 'string' },
      disks: {
        type: 'array',
        items: {
          type: 'object',
          required: ['kind'],
          properties: { size: { type: 'number', default: 1 }, kind: { type: 'string' } },
        },
      },
      spot: { type: 'object', properties: { price: { type: 'number', default: 0 } }, default: {} },
    },
  })
})
