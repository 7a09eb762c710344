import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { defaultEndpoint, refuseForeignFolder } from './default-endpoint.ts'

it('is in a folder of the user', () => {
  expect(defaultEndpoint({ XDG_RUNTIME_DIR: '/run/user/7' })).toBe('unix:///run/user/7/mcm/host.sock')
  expect(defaultEndpoint({})).toMatch(/^unix:\/\/\/.*mcm.*\/host\.sock$/)
})

it('is not in a folder of somebody else, or where a link leads', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mcm-endpoint-'))
  const link = join(folder, 'link')
  await symlink(folder, link)
  const me = userInfo()
  expect(() => refuseForeignFolder(folder)).not.toThrow()
  expect(() => refuseForeignFolder(join(folder, 'none'))).not.toThrow()
  expect(() => refuseForeignFolder(folder, { ...me, uid: me.uid + 1 })).toThrow('belongs to somebody else')
  expect(() => refuseForeignFolder(link)).toThrow('belongs to somebody else')
  await rm(folder, { recursive: true })
})
