import { stringify } from 'yaml'

export const outputFormats = ['table', 'wide', 'json', 'yaml'] as const

/** How results are printed. `wide` is a table with all columns. */
export type OutputFormat = (typeof outputFormats)[number]

/** One column of a table. */
export interface Column<T> {
  title: string
  value(row: T): string | number
  /** Only with `wide`. */
  isWide?: boolean
}

/** Renders rows as a table, or as JSON or YAML of the rows themselves. */
export function render<T>(rows: readonly T[], columns: readonly Column<T>[], format: OutputFormat): string {
  if (format === 'json') return JSON.stringify(rows, null, 2)
  if (format === 'yaml') return stringify(rows).trimEnd()
  const shown = columns.filter(({ isWide }) => !isWide || format === 'wide')
  const cells = [
    shown.map(({ title }) => title),
    ...rows.map((row) => shown.map(({ value }) => String(value(row)).replaceAll(/\s*[\p{Cc}]+\s*/gu, ' ') || '–')),
  ]
  const widths = shown.map((_, i) => Math.max(...cells.map((line) => line[i]?.length ?? 0)))
  return cells
    .map((line) =>
      line
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
