import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Npm } from './npm.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcm-npm-'))
})
afterEach(async () => await rm(folder, { recursive: true }))

const { signal } = new AbortController()

/** A program that stands in for npm, as a Node installation has it or as any program. */
async function program(path: string, text: string): Promise<void> {
  await mkdir(join(folder, path, '..'), { recursive: true })
  await writeFile(join(folder, path), text)
  await chmod(join(folder, path), 0o755)
}

describe('npm is found', () => {
  const says = async (npm: Npm) => (await npm.run(['x'], { cwd: folder, signal })).trim()

  it('beside the running Node first, then on PATH', async () => {
    await program('path/npm', '#!/bin/sh\necho on PATH')
    await mkdir(join(folder, 'node/bin'), { recursive: true })
    await writeFile(join(folder, 'node/bin/node'), '')
    const env = { PATH: join(folder, 'path') }
    expect(await says(await Npm.find(env, join(folder, 'node/bin/node')))).toBe('on PATH')
    await program('node/bin/npm', '#!/bin/sh\necho beside')
    expect(await says(await Npm.find(env, join(folder, 'node/bin/node')))).toBe('beside')
  })

  it('through a link to its script, which the running Node runs', async () => {
    await program('lib/npm-cli.js', 'console.log(process.execPath)')
    await mkdir(join(folder, 'path'))
    await symlink('../lib/npm-cli.js', join(folder, 'path/npm'))
    await writeFile(join(folder, 'node'), '')
    const npm = await Npm.find({ PATH: join(folder, 'path') }, join(folder, 'node'))
    // The Node of this test is an empty file.
    await expect(says(npm)).rejects.toThrow(/^npm could not be started \(.*\/node\): spawn .* EACCES$/)
  })

  it('or else it is said what to do', async () => {
    await writeFile(join(folder, 'node'), '')
    await expect(Npm.find({ PATH: '' }, join(folder, 'node'))).rejects.toThrow(
      `npm was not found, neither beside ${folder}/node nor on PATH; install it (it comes with Node), or add a bundle, which needs none`,
    )
  })
})

it('a complaint of npm is passed on without secrets', async () => {
  await program(
    'npm',
    "#!/bin/sh\necho 'npm error code E401' >&2\necho 'npm error GET https://me:pw@r.example/x' >&2\nexit 1",
  )
  await writeFile(join(folder, 'node'), '')
  const npm = await Npm.find({ PATH: '' }, join(folder, 'node'))
  await expect(npm.run(['pack', 'x'], { cwd: folder, signal })).rejects.toThrow(
    'npm pack failed with status 1:\n  code E401\n  GET https://***@r.example/x',
  )
})

it('an abort ends npm and what it has started', async () => {
  await program('npm', '#!/bin/sh\nsleep 1000 &\necho started\nwait')
  await writeFile(join(folder, 'node'), '')
  const npm = await Npm.find({ PATH: '' }, join(folder, 'node'))
  const controller = new AbortController()
  const running = npm.run(['install'], { cwd: folder, signal: controller.signal })
  setTimeout(() => controller.abort(new Error('enough')), 100)
  // It does not end before all that holds its output has ended.
  await expect(running).rejects.toThrow('enough')
})
