import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Report } from '@mcm/sdk/conformance'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { DriverWorld, nothing } from './testing/driver-world.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
let world: DriverWorld
beforeAll(async () => {
  world = await DriverWorld.start(AbortSignal.timeout(600_000))
})
afterAll(async () => await world?.[Symbol.asyncDispose]())

it('plugin-libvirt is conformant, with real VMs, and leaves nothing behind', { timeout: 900_000 }, async () => {
  const file = join(world.daemon.poolDir, 'report.json')
  const args = [join(root, 'sdk/bin/mcm-conformance.js'), '--output', 'json', '--report', file]
  const env = {
    ...process.env,
    MCM_LIBVIRT_URI: world.daemon.uri,
    MCM_LIBVIRT_IMAGE: world.blankImage,
    MCM_LIBVIRT_POOL: world.poolPath,
  }
  const kit = spawn(process.execPath, args, { cwd: join(root, 'plugins/libvirt'), env, stdio: 'inherit' })
  const [code] = (await once(kit, 'close')) as [number]
  const report = JSON.parse(await readFile(file, 'utf8')) as Report
  const failed = report.results.filter(({ kind }) => kind !== 'passed' && kind !== 'skipped')
  expect(failed).toEqual([])
  expect(report).toMatchObject({ verdict: 'conformant', missing: [], driver: { name: '@mcm/plugin-libvirt' } })
  expect(code).toBe(0)
  expect(await world.everything()).toEqual(nothing)
})
