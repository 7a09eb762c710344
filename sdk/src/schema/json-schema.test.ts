import { describe, expect, it } from 'vitest'
import { Type } from '../typebox.ts'
import { closedSchema } from './closed-schema.ts'
import { compileSchema, describeErrors } from './json-schema.ts'

/** What is wrong with a value, as `path: message`. */
function problems(schema: object, value: unknown, root = 'providerSpec'): string[] {
  const validate = compileSchema(closedSchema(schema as Record<string, unknown>))
  if (validate(value)) return []
  return describeErrors(validate.errors ?? [], root).map(({ path, message }) => `${path}: ${message}`)
}

const only = (schema: object) => Type.Object({ field: schema as never })

describe('a violation', () => {
  it.each<[string, object, unknown, string[]]>([
    ['nothing', only(Type.String()), { field: 'x' }, []],
    ['a missing field', only(Type.String()), {}, ['providerSpec.field: is required']],
    ['an unknown field', only(Type.String()), { field: 'x', feild: 'y' }, ['providerSpec.feild: is not a known field']],
    ['a wrong type', only(Type.String()), { field: 7 }, ['providerSpec.field: must be string, is 7']],
    ['null', only(Type.String()), { field: null }, ['providerSpec.field: must be string, is null']],
    ['an object in the place of a text', only(Type.String()), { field: {} }, ['providerSpec.field: must be string']],
    [
      'a text that is too long to repeat',
      only(Type.Number()),
      { field: 'x'.repeat(100) },
      ['providerSpec.field: must be number'],
    ],
    ['too small', only(Type.Integer({ minimum: 1 })), { field: 0 }, ['providerSpec.field: must be at least 1, is 0']],
    ['too large', only(Type.Integer({ maximum: 9 })), { field: 10 }, ['providerSpec.field: must be at most 9, is 10']],
    [
      'at the edge',
      only(Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1 })),
      { field: 1 },
      ['providerSpec.field: must be less than 1, is 1'],
    ],
    [
      'none of two types',
      only({ type: ['integer', 'null'] }),
      { field: 'x' },
      ['providerSpec.field: must be integer or null, is "x"'],
    ],
    ['no integer', only(Type.Integer()), { field: 1.5 }, ['providerSpec.field: must be integer, is 1.5']],
    [
      'a pattern',
      only(Type.String({ pattern: '^a' })),
      { field: 'b' },
      ['providerSpec.field: must match pattern "^a", is "b"'],
    ],
    [
      'a format',
      only(Type.String({ format: 'uri' })),
      { field: 'b' },
      ['providerSpec.field: must match format "uri", is "b"'],
    ],
    ['an enum', only({ enum: ['a', 'b'] }), { field: 'c' }, ['providerSpec.field: must be one of a, b, is "c"']],
    ['a constant', only(Type.Literal('a')), { field: 'c' }, ['providerSpec.field: must be "a", is "c"']],
    [
      'a union of literals',
      only(Type.Union([Type.Literal('a'), Type.Literal(2)])),
      { field: 'c' },
      ['providerSpec.field: must be one of a, 2, is "c"'],
    ],
    [
      'a union of literals in each item of a list',
      only(Type.Array(Type.Union([Type.Literal('a'), Type.Literal('b')]))),
      { field: ['c', 'a', 'd'] },
      ['providerSpec.field[0]: must be one of a, b, is "c"', 'providerSpec.field[2]: must be one of a, b, is "d"'],
    ],
    [
      'a union of which two apply',
      only({ oneOf: [Type.Integer(), Type.Number()] }),
      { field: 1 },
      ['providerSpec.field: must match exactly one schema in oneOf, is 1'],
    ],
    [
      'a union of structures and of literals, which are told apart',
      only(Type.Array(Type.Union([Type.Array(Type.String()), Type.Literal('a')]))),
      { field: [[1], 'b'] },
      [
        'providerSpec.field[0][0]: must be string, is 1',
        'providerSpec.field[0]: must be string',
        'providerSpec.field[0]: must be "a"',
        'providerSpec.field[1]: must be one of an array, a, is "b"',
      ],
    ],
    [
      'a union of types',
      only(Type.Union([Type.String(), Type.Integer()])),
      { field: true },
      ['providerSpec.field: must be one of a string, an integer, is true'],
    ],
    [
      'a union of objects',
      only(Type.Union([Type.Object({ a: Type.String() }), Type.Object({ b: Type.String() })])),
      { field: { a: 1 } },
      [
        'providerSpec.field.a: must be string, is 1',
        'providerSpec.field.b: is required',
        'providerSpec.field.a: is not a known field',
      ],
    ],
    [
      'nested lists',
      only(Type.Array(Type.Object({ list: Type.Array(Type.Integer()) }))),
      { field: [{ list: [1] }, { list: [1, 'x'] }] },
      ['providerSpec.field[1].list[1]: must be integer, is "x"'],
    ],
    [
      'several at once',
      Type.Object({ a: Type.String(), b: Type.Number(), c: Type.Boolean() }),
      { a: 1, b: 'x' },
      ['providerSpec.c: is required', 'providerSpec.a: must be string, is 1', 'providerSpec.b: must be number, is "x"'],
    ],
    [
      'odd names',
      Type.Object({ 'a b': Type.String(), 'x/y~z': Type.String(), 'ü"': Type.String(), 'with.dot': Type.String() }),
      { 'a b': 1, 'x/y~z': 1, 'with.dot': 1 },
      [
        'providerSpec["ü\\""]: is required',
        'providerSpec["a b"]: must be string, is 1',
        'providerSpec["x/y~z"]: must be string, is 1',
        'providerSpec["with.dot"]: must be string, is 1',
      ],
    ],
    ['something that is no object', only(Type.String()), 'text', ['providerSpec: must be object, is "text"']],
  ])('of %s', (_, schema, value, expected) => {
    expect(problems(schema, value)).toEqual(expected)
  })

  it('has paths without a root too', () => {
    expect(problems(only(Type.Array(Type.String())), { field: [1], x: 1 }, '')).toEqual([
      'x: is not a known field',
      'field[0]: must be string, is 1',
    ])
  })

  it.each([
    ['literals', Type.Union([Type.Literal('a'), Type.Literal('b')]), 'must be one of a, b, is "c"'],
    ['a type', Type.Integer(), 'must be integer, is "c"'],
  ])('is one of a hundred, however many items are not %s, and says how many more there are', (_, item, message) => {
    // Far more than a check that compares errors with each other ends in time.
    const found = problems(only(Type.Array(item)), { field: Array(20_000).fill('c') })
    expect(found).toEqual([
      ...Array.from({ length: 100 }, (_, i) => `providerSpec.field[${i}]: ${message}`),
      'providerSpec: has 19900 more errors',
    ])
  })

  it.each<[string, object, unknown]>([
    ['itself', only(Type.String({ writeOnly: true, minLength: 50 })), { field: 'hunter2' }],
    [
      'a part of it',
      only(Type.Object({ inner: Type.Array(Type.Object({ deep: Type.Integer() })) }, { writeOnly: true })),
      { field: { inner: [{ deep: 'hunter2' }] } },
    ],
    [
      'one of its alternatives',
      only(Type.Union([Type.String({ minLength: 50 }), Type.Integer()], { writeOnly: true })),
      { field: 'hunter2' },
    ],
  ])('never holds a value that is marked as secret: %s', (_, schema, value) => {
    const found = problems(schema, value)
    expect(found).not.toEqual([])
    expect(found.join()).not.toContain('hunter2')
  })
})

it('fills defaults in, also deep inside', () => {
  const schema = Type.Object({
    size: Type.String({ default: 's' }),
    disk: Type.Object({ gib: Type.Integer({ default: 10 }), kind: Type.Optional(Type.String()) }, { default: {} }),
    nets: Type.Array(Type.Object({ nat: Type.Boolean({ default: true }) }), { default: [{}] }),
  })
  const value = {}
  expect(problems(schema, value)).toEqual([])
  expect(value).toEqual({ size: 's', disk: { gib: 10 }, nets: [{ nat: true }] })
})

describe('an object', () => {
  const a = Type.Object({ a: Type.String() })
  const b = Type.Object({ b: Type.String() })

  it.each<[string, object, unknown, string[]]>([
    [
      'that says it is open stays open',
      Type.Object({ a: Type.String() }, { additionalProperties: true }),
      { a: 'x', more: 1 },
      [],
    ],
    [
      'that says what more there may be',
      Type.Object({}, { additionalProperties: Type.String() }),
      { more: 1 },
      ['providerSpec.more: must be string, is 1'],
    ],
    ['without named fields is open', { type: 'object' }, { anything: 1 }, []],
    ['of keys of its own (a record) takes them', Type.Record(Type.String(), Type.Integer()), { x: 1, y: 2 }, []],
    [
      'in a record is closed',
      Type.Record(Type.String(), a),
      { x: { a: '', z: 1 } },
      ['providerSpec.x.z: is not a known field'],
    ],
    ['made of two knows the fields of both', Type.Intersect([a, b]), { a: '', b: '' }, []],
    [
      'made of two is closed as a whole',
      Type.Intersect([a, b]),
      { a: '', b: '', c: 1 },
      ['providerSpec.c: is not a known field'],
    ],
    [
      'with alternatives beside own fields',
      { ...a, anyOf: [b, Type.Object({ c: Type.String() })] },
      { a: '', c: '' },
      [],
    ],
    [
      'with alternatives beside own fields is closed',
      { ...a, anyOf: [b, Type.Object({ c: Type.String() })] },
      { a: '', c: '', d: 1 },
      ['providerSpec.d: is not a known field'],
    ],
    [
      'with conditions',
      // biome-ignore lint/suspicious/noThenProperty: it is a keyword of JSON Schema
      { ...a, if: { required: ['b'] }, then: { properties: { b: { type: 'string' } } } },
      { a: '', b: '' },
      [],
    ],
    [
      'in definitions',
      { $defs: { a }, ...only({ $ref: '#/$defs/a' }) },
      { field: { a: '', b: '' } },
      ['providerSpec.field.b: is not a known field'],
    ],
    [
      'in definitions that others are made of',
      { $defs: { a }, allOf: [{ $ref: '#/$defs/a' }, b] },
      { a: '', b: '' },
      [],
    ],
  ])('%s', (_, schema, value, expected) => {
    expect(problems(schema, value)).toEqual(expected)
  })

  it('is closed in a copy; what the plugin declared stays as it was', () => {
    const before = JSON.stringify(a)
    expect(closedSchema(a as never)).toMatchObject({ additionalProperties: false })
    expect(JSON.stringify(a)).toBe(before)
  })
})
