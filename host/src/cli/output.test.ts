import { expect, it } from 'vitest'
import { type Column, render } from './output.ts'

interface Row {
  name: string
  count: number
}
const columns: Column<Row>[] = [
  { title: 'NAME', value: ({ name }) => name },
  { title: 'COUNT', value: ({ count }) => count },
  { title: 'MORE', value: ({ name }) => `about ${name}`, isWide: true },
]
const rows = [
  { name: 'a', count: 1 },
  { name: 'a longer name\n  of two lines', count: 0 },
  { name: '', count: 12 },
]

it.each([
  [
    'table',
    [
      'NAME                        COUNT',
      'a                           1',
      'a longer name of two lines  0',
      '–                           12',
    ],
  ],
  ['json', JSON.stringify(rows, null, 2).split('\n')],
  [
    'yaml',
    [
      '- name: a',
      '  count: 1',
      '- name: |-',
      '    a longer name',
      '      of two lines',
      '  count: 0',
      '- name: ""',
      '  count: 12',
    ],
  ],
] as const)('renders rows as %s', (format, lines) => {
  expect(render(rows, columns, format).split('\n')).toEqual(lines)
})

it('shows all columns when it is wide, and the titles when there is nothing', () => {
  expect(render(rows.slice(0, 1), columns, 'wide')).toBe('NAME  COUNT  MORE\na     1      about a')
  expect(render([], columns, 'table')).toBe('NAME  COUNT')
  expect(render([], columns, 'json')).toBe('[]')
})

it('lets no control characters reach the terminal', () => {
  expect(render([{ name: 'a\u001b[2J\u0007b', count: 1 }], columns, 'table')).toBe('NAME     COUNT\na [2J b  1')
})
