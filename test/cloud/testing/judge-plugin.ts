import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Report } from '@mcm/sdk/conformance'
import { onTestFinished } from 'vitest'
import { run } from '../../env/run.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** Has the conformance kit judge one of our plugins, as its author does. @returns Its report, and what did not pass. */
export async function judgePlugin(name: string): Promise<{ report: Report; others: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'mcm-kit-'))
  onTestFinished(async () => await rm(folder, { recursive: true }))
  const file = join(folder, 'report.json')
  const args = [join(root, 'sdk/bin/mcm-conformance.js'), '--output', 'json', '--report', file]
  const options = { cwd: join(root, 'plugins', name), signal: AbortSignal.timeout(150_000), deadlineMs: 150_000 }
  // What did not pass stands in the report.
  await run(process.execPath, args, { ...options, okCodes: [0, 1, 2] })
  const report = JSON.parse(await readFile(file, 'utf8')) as Report
  const others = report.results.filter(({ kind }) => kind !== 'passed').map(({ id, kind }) => `${kind}: ${id}`)
  return { report, others }
}
