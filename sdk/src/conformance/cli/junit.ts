import type { CaseResult, Report } from '../report.ts'

/** The report as JUnit XML, which most CI systems read. */
export function junitReport(report: Report): string {
  const { results } = report
  const count = (kinds: CaseResult['kind'][]) => results.filter(({ kind }) => kinds.includes(kind)).length
  const attributes = {
    name: `mcm-conformance ${report.profile} ${report.kitVersion}`,
    tests: results.length,
    failures: count(['failed', 'unexpectedly-passed']),
    errors: count(['broken']),
    skipped: count(['skipped']),
    time: report.ms / 1000,
    timestamp: report.startedAt,
  }
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuite${attributesText(attributes)}>`,
    '  <properties>',
    ...Object.entries({
      verdict: report.verdict,
      contractVersion: report.contractVersion,
      driver: report.driver ? `${report.driver.name} ${report.driver.version}` : report.place,
    }).map(([name, value]) => `    <property${attributesText({ name, value })}/>`),
    '  </properties>',
    ...results.map((result) => testCase(result, report.provider)),
    '</testsuite>',
    '',
  ].join('\n')
}

function testCase(result: CaseResult, provider: string): string {
  const open = `  <testcase${attributesText({ classname: `conformance.${provider}`, name: result.id, time: result.ms / 1000 })}`
  switch (result.kind) {
    case 'passed':
      return `${open}/>`
    case 'skipped':
      return `${open}><skipped${attributesText({ message: result.reason.text })}/></testcase>`
    case 'broken':
      return `${open}><error${attributesText({ message: result.message })}/></testcase>`
    case 'failed':
      // Known failures are no news for a CI.
      if (result.isKnown)
        return `${open}><skipped${attributesText({ message: `known to fail: ${result.message}` })}/></testcase>`
      return `${open}>${failure(result)}</testcase>`
    case 'unexpectedly-passed':
      return `${open}>${failure(result)}</testcase>`
    default:
      return result satisfies never
  }
}

function failure({
  message,
  requirement,
  source,
  advice,
  calls,
}: Extract<CaseResult, { kind: 'failed' | 'unexpectedly-passed' }>): string {
  const text = [
    `required: ${requirement}`,
    `source: ${source}`,
    `what to do: ${advice}`,
    ...calls.map((call) => JSON.stringify(call)),
  ].join('\n')
  return `<failure${attributesText({ message })}>${escaped(text)}</failure>`
}

function attributesText(attributes: Record<string, string | number>): string {
  return Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${escaped(String(value))}"`)
    .join('')
}

function escaped(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 cannot hold these at all
      .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/g, '�')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll('\n', '&#10;')
  )
}
