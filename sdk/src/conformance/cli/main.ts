import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { MachineError } from '../../errors/machine-error.ts'
import { sdkVersion } from '../../version.ts'
import { type CaseTag, caseTags } from '../case.ts'
import { conformanceCases } from '../cases/index.ts'
import type { Report, Verdict } from '../report.ts'
import { judgeDriver } from '../run-cases.ts'
import type { Target } from '../target.ts'
import { endpointTarget } from './endpoint-target.ts'
import { junitReport } from './junit.ts'
import { loadHooks } from './load-hooks.ts'
import { caseList, peopleReport, resultLine } from './people.ts'
import { findConfig, readConfig } from './read-config.ts'
import { runtimeTarget } from './runtime-target.ts'
import { SetupError } from './setup-error.ts'

const usage = `mcm-conformance [folder]: judges whether a driver does what the contract asks

  [folder]              of a plugin, which is judged through the real host; default: this one
  --endpoint <address>  judge what serves the contract at unix:///path or host:port instead
  --tls-ca <file>       who signed the endpoint's certificate (PEM); switches TLS on
  --tls-cert <file>     own certificate (PEM)
  --tls-key <file>      its key (PEM)
  --config <file>       default: mcm-conformance.yaml in the folder
  --case <id>           only this case (repeatable)
  --tag <tag>           only cases with this tag (repeatable)
  --list                print all cases
  --output <format>     of the report: people (default), json or junit
  --report <file>       write the report there, and what people read to the terminal
  --version, --help

Exit status: 0 conformant, 1 not conformant, 2 wrong usage or set-up, 3 incomplete.`

/** Exit status of each verdict. */
export const exitCodes: Record<Verdict, number> = { conformant: 0, 'not conformant': 1, incomplete: 3 }
const setupExitCode = 2

/** The program. Returns its exit status. */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const { values, positionals } = parseArguments(args)
    if (values.help) return print(usage)
    if (values.version) return print(sdkVersion)
    if (values.list) return print(caseList(conformanceCases))
    return await judge(values, positionals[0] ?? '.')
  } catch (error) {
    if (!(error instanceof SetupError) && !MachineError.is(error)) throw error
    console.error(error.message)
    return setupExitCode
  }
}

type Values = ReturnType<typeof parseArguments>['values']

async function judge(values: Values, folder: string): Promise<number> {
  const format = oneOf(values.output ?? 'people', formats, '--output')
  const ids = values.case?.map((id) =>
    oneOf(
      id,
      conformanceCases.map((one) => one.id),
      '--case',
    ),
  )
  const tags = values.tag?.map((tag): CaseTag => oneOf(tag, caseTags, '--tag'))
  const stopped = stopSignal()
  const tempFolder = await mkdtemp(join(tmpdir(), 'mcm-conformance-'))
  const environment = { ...process.env, MCM_CONFORMANCE_TMP: tempFolder }
  let target: (Target & { close(): void | Promise<void> }) | undefined
  let close: (() => Promise<void> | void) | undefined
  try {
    const config = await readConfig(values.config ?? findConfig(folder), environment)
    const hooks = await loadHooks(config, environment, stopped.signal)
    close = hooks.close
    target = values.endpoint
      ? await endpointTarget({ ...tlsOf(values), endpoint: values.endpoint })
      : await runtimeTarget(folder, tempFolder, stopped.signal)
    // Where the report itself is the output, progress must not be in it.
    const progress = values.report === undefined && format !== 'people' ? process.stderr : process.stdout
    const isLive = progress.isTTY === true
    const report = await judgeDriver({
      target,
      setup: config.setup,
      hooks,
      signal: stopped.signal,
      ...(ids && { ids }),
      ...(tags && { tags }),
      onCase: ({ id }, index, count) => {
        if (isLive) progress.write(`\r\x1b[K${index + 1}/${count} ${id} …`)
      },
      onResult: (result) => {
        if (result.kind === 'skipped' && result.reason.kind === 'not-chosen') return
        progress.write(`${isLive ? '\r\x1b[K' : ''}${resultLine(result)}\n`)
      },
    })
    if (values.report !== undefined) await writeFile(values.report, formatted(report, format))
    if (values.report !== undefined || format === 'people') console.log(`\n${peopleReport(report)}`)
    else console.log(formatted(report, format))
    return exitCodes[report.verdict]
  } finally {
    await target?.close()
    await close?.()
    await rm(tempFolder, { recursive: true, force: true })
    stopped.dispose()
  }
}

const formats = ['people', 'json', 'junit'] as const

function formatted(report: Report, format: (typeof formats)[number]): string {
  switch (format) {
    case 'people':
      return peopleReport(report)
    case 'json':
      return JSON.stringify(report, null, 2)
    case 'junit':
      return junitReport(report)
    default:
      return format satisfies never
  }
}

function parseArguments(args: readonly string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  const many = { type: 'string', multiple: true } as const
  try {
    const parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        endpoint: text,
        'tls-ca': text,
        'tls-cert': text,
        'tls-key': text,
        config: text,
        case: many,
        tag: many,
        list: flag,
        output: text,
        report: text,
        version: flag,
        help: flag,
      },
    })
    if (parsed.positionals.length > 1) throw new TypeError('there is one folder at most')
    return parsed
  } catch (error) {
    throw new SetupError(`${(error as Error).message}\n(mcm-conformance --help shows what there is)`)
  }
}

function oneOf<T extends string>(text: string, allowed: readonly T[], option: string): T {
  const found = allowed.find((one) => one === text)
  if (found !== undefined) return found
  throw new SetupError(`${option} ${text}: there is no such one; there are ${allowed.join(', ')}`)
}

function tlsOf({ 'tls-ca': tlsCa, 'tls-cert': tlsCert, 'tls-key': tlsKey }: Values) {
  return { ...(tlsCa && { tlsCa }), ...(tlsCert && { tlsCert }), ...(tlsKey && { tlsKey }) }
}

/** Aborts at the first Ctrl-C, so that what was made is deleted. The second one ends the program at once. */
function stopSignal(): { signal: AbortSignal; dispose(): void } {
  const controller = new AbortController()
  const onSignal = () => {
    if (controller.signal.aborted) process.exit(130)
    console.error('stopping; what was made is being deleted (again to leave it)')
    controller.abort()
  }
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, onSignal)
  return {
    signal: controller.signal,
    dispose: () => {
      for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, onSignal)
    },
  }
}

function print(text: string): number {
  console.log(text)
  return 0
}
