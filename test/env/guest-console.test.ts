import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { consoleLines, consoleUntil } from './guest-console.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcm-console-'))
  path = join(folder, 'console.log')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test('follows a file that does not exist yet, whatever the pieces it is written in', async () => {
  const lines = consoleLines(path, AbortSignal.timeout(10_000))
  const first = lines.next()
  await appendFile(path, Buffer.from('caf\u00c3', 'latin1'))
  await appendFile(path, Buffer.from('\u00a9\r\nsecond\nopen', 'latin1'))
  expect(await first).toEqual({ done: false, value: 'café' })
  expect(await lines.next()).toEqual({ done: false, value: 'second' })
  await appendFile(path, ' end\n')
  expect(await lines.next()).toEqual({ done: false, value: 'open end' })
  await lines.return(undefined)
})

test('returns all lines up to the marker', async () => {
  await appendFile(path, 'one\ntwo\nready after 3 s\nmore\n')
  expect(await consoleUntil(path, 'ready', AbortSignal.timeout(10_000))).toEqual(['one', 'two', 'ready after 3 s'])
})

test('says what was on the console when the marker does not come', async () => {
  await appendFile(path, 'kernel panic\n')
  await expect(consoleUntil(path, 'ready', AbortSignal.timeout(50))).rejects.toThrow(
    `no line "ready…" on the console ${path}; its end:\nkernel panic`,
  )
})
