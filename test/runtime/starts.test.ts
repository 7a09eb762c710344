import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { builtFile, fixture } from '../contract/testing/built-program.ts'

it('a host without descriptors lives on, says so, and keeps nothing of the starts that failed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mcm-starts-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const script = fileURLToPath(new URL('./testing/few-descriptors.ts', import.meta.url))
  const args = [process.execPath, script, fixture('good'), builtFile('host/dist/plugin-process.js')]
  const printed = execFileSync('bash', ['-c', 'ulimit -n 128; exec "$@"', 'bash', ...args], {
    env: { ...process.env, TMPDIR: folder },
    encoding: 'utf8',
  })
  const { causes, args: started } = JSON.parse(printed) as { causes: string[]; args: string[] }
  // Both stages: before there is a process, and when there should be one.
  expect(causes).toContainEqual(expect.stringMatching(/^could not be started: EMFILE: too many open files, /))
  expect(causes).toContainEqual(expect.stringMatching(/^could not be started: spawn .* EMFILE$/))
  expect(causes.filter((cause) => !cause.includes('EMFILE'))).toEqual([])
  expect(started).toContain('--inspect=127.0.0.1:0')
  expect(readdirSync(folder, { recursive: true }).filter((path) => String(path).includes('plugin-'))).toEqual([])
})

it('a descriptor that is gone by now does not keep a plugin from starting', async () => {
  const child = fork(builtFile('host/dist/plugin-process.js'), ['999'], { serialization: 'advanced' })
  child.send({ type: 'shutdown' })
  expect(await once(child, 'exit')).toEqual([0, null])
})
