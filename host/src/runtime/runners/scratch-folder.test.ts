import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

it('removes folders that are closed, its own and those of a host before, and lives with those that it cannot', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mcm-scratch-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  chmodSync(folder, 0o777)
  const user = process.getuid?.() === 0 ? 65_534 : process.getuid?.()
  const base = join(folder, `mcm-${user}`)
  // No process has such an id.
  const left = join(base, `${hostname()}-99999999`)
  const script = `
    import { chmodSync, mkdirSync, readdirSync } from 'node:fs'
    import { makeScratchFolder } from ${JSON.stringify(new URL('./scratch-folder.ts', import.meta.url).href)}
    // Root can remove anything.
    if (process.getuid() === 0) {
      process.setgid(${user})
      process.setuid(${user})
    }
    const close = (path) => {
      mkdirSync(path + '/closed/inside', { recursive: true })
      chmodSync(path + '/closed/inside', 0o000)
      chmodSync(path + '/closed', 0o555)
      chmodSync(path, 0o555)
    }
    close('${left}/plugin-1')
    // That of a host that had the same process id.
    close('${base}/${hostname()}-' + process.pid + '/plugin-2')
    const scratch = makeScratchFolder()
    close(scratch.path)
    await scratch.remove()
    console.log(scratch.path)
  `
  const path = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, TMPDIR: folder },
    encoding: 'utf8',
  }).trim()
  const own = join(path, '..')
  expect(readdirSync(base)).toEqual([own.slice(base.length + 1)])
  expect(readdirSync(own)).toEqual(['plugin-2'])
})
