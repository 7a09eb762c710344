import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { checkReadable, PluginUsers } from './plugin-users.ts'

it('gives each plugin a user of its own, the same each time', () => {
  const users = new PluginUsers(100_000)
  const names = Array.from({ length: 3000 }, (_, i) => `plugin-${i}`)
  const uids = names.map((name) => users.uidOf(name))
  // So many names cannot all have hashes of their own.
  expect(new Set(uids).size).toBe(3000)
  expect(uids.every((uid) => uid >= 100_000 && uid < 165_536)).toBe(true)
  expect(names.map((name) => users.uidOf(name))).toEqual(uids)
})

it('names the folder that is in the way', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mcm-users-'))
  onTestFinished(async () => await rm(folder, { recursive: true }))
  const read = () => checkReadable(folder, 7)
  await chmod(folder, 0o755)
  expect(read).not.toThrow()
  await chmod(folder, 0o700)
  const text = `user 7 cannot read ${folder}, since it is closed to others; "chmod o+rX ${folder}", or put it elsewhere`
  expect(read).toThrow(text)
})
