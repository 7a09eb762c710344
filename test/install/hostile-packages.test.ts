import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeEach, expect, it } from 'vitest'
import { acme, makePlace, type Place } from './testing/plugin-folder.ts'
import { bytesOf } from './testing/tiny-registry.ts'

// Tarballs that want to write, or to read, outside of their folder.

let place: Place
beforeEach(async () => {
  place = await makePlace()
  return async () => await place[Symbol.asyncDispose]()
})

const file = (path: string, text = 'evil') => ({ path, isExecutable: false, content: Buffer.from(text) })
const good = Object.entries(acme()).map(([path, text]) => file(`package/${path}`, text))

/** A link, as a tar entry. */
async function link(path: string, target: string): Promise<Buffer> {
  const head = (await bytesOf([file(path, '')])).subarray(0, 512)
  head.write('2', 156)
  head.write(target, 157)
  head.fill(' ', 148, 156)
  const sum = head.reduce((total, byte) => total + byte, 0)
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return head
}

/** What lies beside the things that the test has put there. */
const strays = async () => (await readdir(place.path, { recursive: true })).filter((path) => /evil/.test(path))

it.each<[string, () => Promise<Buffer[]>]>([
  [
    'a path that leads out',
    async () => [await bytesOf([file('package/../../../../../evil'), file('../evil'), ...good])],
  ],
  ['an absolute path', async () => [await bytesOf([file(join(place.path, 'evil')), ...good])]],
  [
    'a link, and a file through it',
    async () => [await link('package/out', place.path), await bytesOf([file('package/out/evil'), ...good])],
  ],
])('%s: nothing is written outside, and no link is installed', async (_, make) => {
  await writeFile(join(place.path, 'bad.tgz'), gzipSync(Buffer.concat(await make())))
  const { code } = await place.mcm('plugin', 'add', './bad.tgz')
  expect(
    await strays().then((found) => found.filter((path) => !path.startsWith('data/mcm/plugins/packages/'))),
  ).toEqual([])
  // npm leaves such entries out, or refuses the whole; either way what is there is whole and has no link.
  if (code === 0) {
    const entries = await readdir(place.plugins, { recursive: true, withFileTypes: true })
    expect(entries.filter((entry) => entry.isSymbolicLink())).toEqual([])
    expect(await place.mcm('plugin', 'verify')).toMatchObject({ code: 0 })
  } else expect(await place.snapshot()).toEqual({})
})

it('a bundle whose paths lead out is refused as a whole', async () => {
  const lock = file('mcm-plugins.lock.json', '{"lockfileVersion":1,"plugins":{}}')
  await writeFile(join(place.path, 'bad.tgz'), gzipSync(await bytesOf([lock, file('packages/../../../evil')])))
  expect(await place.mcm('plugin', 'add', './bad.tgz')).toEqual({
    code: 1,
    stdout: '',
    stderr: `the bundle ${place.path}/bad.tgz cannot be used: "packages/../../../evil" in it leads out of its folder\n`,
  })
  expect(await strays()).toEqual([])
  expect(await place.snapshot()).toEqual({})
})
