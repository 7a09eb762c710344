import type { ConformanceCase } from '../case.ts'
import type { RecordedCall } from '../journal.ts'
import type { CaseResult, Report } from '../report.ts'

/** One line about a case that has ended. */
export function resultLine(result: CaseResult): string {
  const time = result.ms > 0 ? ` (${result.ms} ms)` : ''
  switch (result.kind) {
    case 'passed':
      return `ok       ${result.id}${time}`
    case 'failed':
      return result.isKnown
        ? `known    ${result.id}${time}: fails, as the list says`
        : `FAILED   ${result.id}${time}: ${firstLine(result.message)}`
    case 'unexpectedly-passed':
      return `FAILED   ${result.id}${time}: ${result.message}`
    case 'broken':
      return `BROKEN   ${result.id}${time}: ${firstLine(result.message)}`
    case 'skipped':
      return `skipped  ${result.id}: ${result.reason.text}`
    default:
      return result satisfies never
  }
}

/** The report for people: each failure in full, then the verdict. */
export function peopleReport(report: Report): string {
  const { results, driver } = report
  const failures = results.flatMap((result) =>
    (result.kind === 'failed' && !result.isKnown) || result.kind === 'unexpectedly-passed'
      ? [
          [
            `${result.id}: ${result.title}`,
            `  required     ${result.requirement}`,
            `  source       ${result.source}`,
            `  found        ${indented(result.message)}`,
            ...callLines(result.calls),
            `  what to do   ${result.advice}`,
          ].join('\n'),
        ]
      : [],
  )
  const count = (kind: CaseResult['kind']) => results.filter((result) => result.kind === kind).length
  const leftovers = results.flatMap((result) => result.leftovers)
  return [
    ...failures,
    ...(leftovers.length > 0 ? [`left behind, delete by hand:\n${leftovers.map((one) => `  ${one}`).join('\n')}`] : []),
    ...(report.missing.length > 0 && report.verdict === 'incomplete'
      ? [`not judged:\n${report.missing.map((one) => `  ${one}`).join('\n')}`]
      : []),
    [
      ...(driver?.integrity ? [`package ${driver.integrity}`] : []),
      `${report.verdict.toUpperCase()}: ${driver ? `${driver.name} ${driver.version}` : report.place} (provider ${report.provider}), contract ${report.contractVersion}, profile ${report.profile}, kit ${report.kitVersion}`,
      `${count('passed')} passed, ${count('failed') + count('unexpectedly-passed')} failed, ${count('broken')} broken, ${count('skipped')} skipped, in ${(report.ms / 1000).toFixed(1)} s`,
    ].join('\n'),
  ].join('\n\n')
}

/** All cases, for `--list`. */
export function caseList(cases: readonly ConformanceCase[]): string {
  const width = Math.max(...cases.map(({ id }) => id.length))
  return cases
    .map(({ id, profile, tags, title }) => `${id.padEnd(width)}  ${profile}  ${title} [${tags.join(', ')}]`)
    .join('\n')
}

/** The last calls: what was sent, and what came back. */
function callLines(calls: readonly RecordedCall[]): string[] {
  const shown = calls.slice(-shownCalls)
  const before = calls.length - shown.length
  return [
    ...(before > 0 ? [`  calls        ${before} before these; --output json has all`] : []),
    ...shown.flatMap((call) => [
      `  sent         ${call.method} ${JSON.stringify(call.request)}`,
      `  came back    ${call.error ? JSON.stringify(call.error) : call.answer === undefined ? 'nothing' : JSON.stringify(call.answer)}`,
    ]),
  ]
}

const shownCalls = 3

function firstLine(text: string): string {
  const [line = ''] = text.split('\n')
  return line.length > 160 ? `${line.slice(0, 160)}…` : line
}

function indented(text: string): string {
  return text.replaceAll('\n', '\n               ')
}
