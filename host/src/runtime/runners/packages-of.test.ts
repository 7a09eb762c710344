import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { packagesOf } from './packages-of.ts'

it('finds what a package imports, by links too, and not its neighbours', async () => {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'mcm-packages-of-')))
  onTestFinished(async () => await rm(root, { recursive: true }))
  const make = async (path: string, json: object) => {
    await mkdir(join(root, path), { recursive: true })
    await writeFile(join(root, path, 'package.json'), JSON.stringify(json))
  }
  const modules = 'app/node_modules'
  await make(`${modules}/@acme/plugin`, {
    dependencies: { near: '1', far: '1', linked: '1' },
    optionalDependencies: { absent: '1' },
  })
  await make(`${modules}/@acme/plugin/node_modules/near`, {})
  await make(`${modules}/near`, {})
  // Two that need each other.
  await make(`${modules}/far`, { peerDependencies: { farther: '1' } })
  await make(`${modules}/farther`, { dependencies: { far: '1' } })
  await make(`${modules}/neighbour`, {})
  await make('work/linked', { dependencies: { '@scope/tool': '1' } })
  await make('work/node_modules/@scope/tool', {})
  await symlink('../../work/linked', join(root, modules, 'linked'))
  expect(packagesOf(join(root, modules, '@acme/plugin')).sort()).toEqual(
    [
      `${modules}/@acme/plugin`,
      `${modules}/@acme/plugin/node_modules/near`,
      `${modules}/far`,
      `${modules}/farther`,
      `${modules}/linked`,
      'work/linked',
      'work/node_modules/@scope/tool',
    ].map((path) => join(root, path)),
  )
})
