import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Report } from '@mcm/sdk/conformance'
import { expect, it, onTestFinished } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

it('plugin-aws is conformant, profile full, against the fake EC2', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mcm-kit-'))
  onTestFinished(async () => await rm(folder, { recursive: true }))
  const file = join(folder, 'report.json')
  const args = [join(root, 'sdk/bin/mcm-conformance.js'), '--output', 'json', '--report', file]
  const kit = spawn(process.execPath, args, { cwd: join(root, 'plugins/aws'), stdio: 'inherit' })
  await once(kit, 'close')
  const report = JSON.parse(await readFile(file, 'utf8')) as Report
  const others = report.results.filter(({ kind }) => kind !== 'passed').map(({ id, kind }) => `${kind}: ${id}`)
  expect(others).toEqual([])

  expect(report).toMatchObject({ verdict: 'conformant', missing: [], driver: { name: '@mcm/plugin-aws' } })
})
