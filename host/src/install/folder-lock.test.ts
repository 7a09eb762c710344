import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { lockFolder } from './folder-lock.ts'
import { PluginFolder } from './plugin-folder.ts'

let folder: PluginFolder
beforeEach(async () => {
  folder = new PluginFolder(await mkdtemp(join(tmpdir(), 'mcm-locks-')))
})
afterEach(async () => await rm(folder.path, { recursive: true }))

const { signal } = new AbortController()
const holders = async () => await readdir(join(folder.path, '.locks'))

it('is for one at a time, and free again afterwards', async () => {
  const first = await lockFolder(folder, signal)
  await expect(lockFolder(folder, signal)).rejects.toThrow(
    `another mcm (process ${process.pid}) is changing the plugins in ${folder.path}; try again when it has ended`,
  )
  await first[Symbol.asyncDispose]()
  await (await lockFolder(folder, signal))[Symbol.asyncDispose]()
  expect(await holders()).toEqual([])
})

it('is never given to two of many who come at once', async () => {
  let inside = 0
  const visits = Array.from({ length: 12 }, async () => {
    await using _lock = await lockFolder(folder, signal)
    expect(++inside).toBe(1)
    await new Promise((resolve) => setTimeout(resolve, 5))
    inside--
    return true
  })
  const outcomes = await Promise.allSettled(visits)
  const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [String(outcome.reason)] : []))
  expect(refused.filter((reason) => !reason.includes('another mcm'))).toEqual([])
  expect(await holders()).toEqual([])
})

it('is taken over from a process that is dead, also when its number is used again', async () => {
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  await mkdir(join(folder.path, '.locks'))
  for (const name of [`${hostname()},${child.pid},1,dead`, `${hostname()},${process.pid},1,reused`]) {
    await writeFile(join(folder.path, '.locks', name), '')
  }
  await using _lock = await lockFolder(folder, signal)
  expect(await holders()).toHaveLength(1)
})

it('is not taken from another machine, and tells how to free it', async () => {
  await mkdir(join(folder.path, '.locks'))
  await writeFile(join(folder.path, '.locks', 'elsewhere,1,1,x'), '')
  await expect(lockFolder(folder, signal)).rejects.toThrow(
    `another mcm (process 1 on elsewhere) is changing the plugins in ${folder.path}; try again when it has ended; ` +
      `if it is gone, remove ${folder.path}/.locks/elsewhere,1,1,x`,
  )
})
