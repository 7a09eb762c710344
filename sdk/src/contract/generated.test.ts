import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../..', import.meta.url))
const proto = join(root, 'sdk/proto')
const bin = join(root, 'node_modules/.bin')
const buf = async (...args: string[]) =>
  await run(join(bin, 'buf'), args, { cwd: proto, env: { ...process.env, PATH: `${bin}:${process.env.PATH}` } })

const filesIn = async (folder: string) => {
  const names = globSync('**/*.ts', { cwd: folder }).sort()
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')])),
  )
}

it('the generated code is what the protos make now; if not, run "npm run generate"', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mcm-generated-'))
  try {
    // The template writes to ../src/contract/gen beside the protos.
    await buf('generate', '--output', join(folder, 'proto'))
    const fresh = await filesIn(join(folder, 'src/contract/gen'))
    expect(Object.keys(fresh)).not.toHaveLength(0)
    expect(await filesIn(join(root, 'sdk/src/contract/gen'))).toEqual(fresh)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}, 30_000)

it('the protos follow the rules of style and have a comment on everything', async () => {
  expect(await buf('lint')).toEqual({ stdout: '', stderr: '' })
}, 30_000)
