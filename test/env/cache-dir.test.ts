import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { cachedFolder, cacheRoot } from './cache-dir.ts'

describe('cacheRoot', () => {
  test.each([
    { env: { XDG_CACHE_HOME: '/c' }, uid: 1000, root: '/c/mcm-test' },
    { env: { XDG_CACHE_HOME: '/c' }, uid: 0, root: '/c/mcm-test' },
    // Root's home is closed to the user that runs the machines.
    { env: {}, uid: 0, root: '/var/cache/mcm-test' },
  ])('is $root for user $uid with $env', ({ env, uid, root }) => {
    expect(cacheRoot(env, uid)).toBe(root)
  })
})

describe('cachedFolder', () => {
  let root: string
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'mcm-cache-'))
  })
  afterEach(() => rm(root, { recursive: true, force: true }))

  const writes = (text: string) => (folder: string) => writeFile(join(folder, 'f'), text)

  test('builds once, readable by all', async () => {
    const first = await cachedFolder('tool-1', writes('first'), root)
    const second = await cachedFolder('tool-1', writes('second'), root)

    expect([first, second]).toEqual([
      { path: join(root, 'tool-1'), built: true },
      { path: join(root, 'tool-1'), built: false },
    ])
    expect(await readFile(join(root, 'tool-1/f'), 'utf8')).toBe('first')
    expect((await stat(first.path)).mode & 0o777).toBe(0o755)
  })

  test('a failed build leaves nothing, and the next one may succeed', async () => {
    const failing = cachedFolder('tool-1', () => Promise.reject(new Error('no disk')), root)
    await expect(failing).rejects.toThrow('no disk')
    expect(await readdir(root)).toEqual([])
    expect(await cachedFolder('tool-1', writes('x'), root)).toMatchObject({ built: true })
  })

  test('of two at once one wins, and both get the whole folder', async () => {
    const results = await Promise.all([1, 2].map((n) => cachedFolder('tool-1', writes(`${n}`), root)))
    expect(results.map(({ built }) => built).sort()).toEqual([false, true])
    expect(await readdir(root)).toEqual(['tool-1'])
  })

  test('removes what a killed builder left, and nothing of a living one', async () => {
    const ended = spawn(process.execPath, ['-e', ''])
    await once(ended, 'exit')
    await mkdir(join(root, `tool-1.tmp-${ended.pid}-aa`))
    await mkdir(join(root, `tool-1.tmp-${process.pid}-bb`))

    await cachedFolder('tool-1', writes('x'), root)

    expect((await readdir(root)).sort()).toEqual(['tool-1', `tool-1.tmp-${process.pid}-bb`])
  })
})
