import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { link, mkdtemp, readdir, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { freeSocketPath } from './unix-socket.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcm-socket-'))
})
afterAll(async () => await rm(folder, { recursive: true, force: true }))

const listen = async (path: string) => {
  const server = createServer().listen(path)
  await once(server, 'listening')
  return server
}

it('makes the folder, for its owner only', async () => {
  await freeSocketPath(join(folder, 'new/deep/host.sock'))
  expect(statSync(join(folder, 'new/deep')).mode & 0o777).toBe(0o700)
})

it('removes a socket on which nobody answers, and leaves nothing beside it', async () => {
  const path = join(folder, 'stale.sock')
  const server = await listen(`${path}.living`)
  // A server removes its own file when it closes, so a dead one's is a second name of it.
  await link(`${path}.living`, path)
  server.close()
  await once(server, 'close')
  expect(existsSync(path)).toBe(true)
  await freeSocketPath(path)
  expect((await readdir(folder)).filter((name) => name.startsWith('stale'))).toEqual([])
})

it('leaves a socket alone on which somebody answers', async () => {
  const path = join(folder, 'living.sock')
  const server = await listen(path)
  await expect(freeSocketPath(path)).rejects.toThrow(
    `${path} is in use by another process; stop it or listen elsewhere`,
  )
  expect(existsSync(path)).toBe(true)
  server.close()
})

it('leaves a file alone', async () => {
  const path = join(folder, 'file')
  await writeFile(path, 'x')
  await expect(freeSocketPath(path)).rejects.toThrow(`${path} exists and is no socket; remove it or listen elsewhere`)
  await rename(path, `${path}.moved`)
  await freeSocketPath(path)
  await unlink(`${path}.moved`)
})
